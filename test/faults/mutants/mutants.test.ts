import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutated } from './mutate.ts';
import { MUTANTS } from './mutants.ts';

const root = join(import.meta.dirname, '..', '..', '..');

describe.each(Object.entries(MUTANTS))('the mutant %s', (_, mutant) => {
  it('still fits the source', () => {
    const source = readFileSync(join(root, mutant.file), 'utf8');

    expect(mutated(source, mutant)).not.toBe(source);
  });
});

it('a mutant whose line is gone is refused', () => {
  expect(() => mutated('a', { file: 'x.ts', from: 'b', to: '' })).toThrow(
    'x.ts has the line to change 0 times, not once: b',
  );
});
