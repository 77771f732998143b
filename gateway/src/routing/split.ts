/** Who of several answers a request, by their weights. */
import { hash } from 'node:crypto';

export interface Weighted {
  readonly revision: string;
  /** 0 or more. */
  readonly weight: number;
}

/** By chance. `random`: from 0 to below 1. At least one weight must be above 0. */
export function splitByChance<T extends Weighted>(choices: readonly T[], random: number): T {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  let left = random * total;
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice;
  }
  return choices.findLast(({ weight }) => weight > 0) as T;
}

/**
 * The same choice for the same value, by weighted rendezvous hashing: each choice draws a number from the value, which its
 * weight makes smaller, and the smallest wins. So the shares are the weights; and while the weight of one choice grows and those of
 * others do not, whoever was on it stays on it.
 */
export function splitByValue<T extends Weighted>(choices: readonly T[], value: string, salt: string): T {
  let best = choices[0] as T;
  let smallest = Infinity;
  for (const choice of choices) {
    if (choice.weight === 0) continue;
    const drawn = -Math.log(numberOf(JSON.stringify([salt, choice.revision, value]))) / choice.weight;
    if (drawn >= smallest) continue;
    best = choice;
    smallest = drawn;
  }
  return best;
}

const BYTES = 6;

/** Between 0 and 1, neither of them. SHA-256, so that nobody can choose a value that lands where he wants without knowing the salt. */
function numberOf(text: string): number {
  return (hash('sha256', text, 'buffer').readUIntBE(0, BYTES) + 0.5) / 2 ** (8 * BYTES);
}
