import type { Mutant } from './mutants.ts';

/** @throws when the line to change is not there exactly once: the code moved on, and the mutant must follow. */
export function mutated(source: string, { file, from, to }: Pick<Mutant, 'file' | 'from' | 'to'>): string {
  const count = source.split(from).length - 1;
  if (count !== 1) throw new Error(`${file} has the line to change ${count} times, not once: ${from}`);
  return source.replace(from, () => to);
}
