import type { Client } from './clients.ts';
import { say } from '../slipway/stages.ts';

/** One row of the trainer's samples.json. */
export interface Sample {
  readonly flight: string;
  readonly late: number;
  readonly x: readonly number[];
  /** XGBoost's own answer. */
  readonly probability: number;
}

export const TOLERANCE = 1e-5;

export async function showAnswers(client: Client, protocol: string, samples: readonly Sample[]): Promise<void> {
  const { probabilities } = await client.ask(samples.map((sample) => sample.x));
  for (const [index, { flight, late }] of samples.entries()) {
    const chance = `${((probabilities[index] ?? Number.NaN) * 100).toFixed(1)} %`;
    say(
      `${protocol}  ${flight.padEnd(18)} late by 15 minutes or more: ${chance.padStart(6)}   it was ${late === 1 ? 'late' : 'on time'}`,
    );
  }
}

/** The largest difference of served answers from the trainer's own. Rejects when it is above the tolerance. */
export async function compareAnswers(client: Client, samples: readonly Sample[]): Promise<number> {
  const { probabilities } = await client.ask(samples.map((sample) => sample.x));
  const differences = samples.map((sample, index) =>
    Math.abs(sample.probability - (probabilities[index] ?? Number.NaN)),
  );
  const largest = differences.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), 0);
  if (!(largest <= TOLERANCE))
    throw new Error(`served answers differ from the trainer's own by ${largest}, more than ${TOLERANCE}`);
  return largest;
}
