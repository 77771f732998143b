/** What a long piece of work prints: stages with their times, and lines below them. */
import { styleText } from 'node:util';

export interface Stage {
  readonly title: string;
  readonly seconds: number;
}

const stages: Stage[] = [];

/** Announces a stage, runs it, and keeps how long it took. */
export async function stage<T>(title: string, work: () => Promise<T>): Promise<T> {
  console.log(`\n${styleText('bold', `▸ ${title}`)}`);
  const started = Date.now();
  const result = await work();
  stages.push({ title, seconds: (Date.now() - started) / 1000 });
  return result;
}

export function say(line: string): void {
  console.log(`  ${line}`);
}

/** The table of stages, with the sum in its last line. */
export function stageTable(): string {
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  return [...stages, { title: 'all', seconds: total }]
    .map(({ title, seconds }) => `  ${seconds.toFixed(1).padStart(7)} s  ${title}`)
    .join('\n');
}
