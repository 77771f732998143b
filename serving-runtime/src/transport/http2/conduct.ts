/** How a client behaves: what is tolerated in small amounts, and ends its connection in large ones. */
import { enhanceYourCalm } from './errors.ts';
import type { Allowance, Http2Limits } from './limits.ts';

/** A bucket that every use empties, and that time and good work fill again. */
export class Tolerance {
  readonly #allowance: Allowance;
  #left: number;
  #filledAt: number;

  constructor(allowance: Allowance, now: number) {
    this.#allowance = allowance;
    this.#left = allowance.burst;
    this.#filledAt = now;
  }

  /** False when it was one too many. `now`: milliseconds. */
  use(now: number): boolean {
    if (this.#left < 1) this.#refill(now);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  earn(amount: number): void {
    this.#left = Math.min(this.#allowance.burst, this.#left + amount);
  }

  isFull(now: number): boolean {
    this.#refill(now);
    return this.#left >= this.#allowance.burst;
  }

  #refill(now: number): void {
    const { burst, perSecond } = this.#allowance;
    this.#left = Math.min(burst, this.#left + ((now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = now;
  }
}

/** Resets of all connections from one address: a client that is bounded on one of them could open many. */
export interface AddressConduct {
  /** False when it was one too many. */
  useReset(now: number): boolean;
  earnReset(): void;
}

/** Frames without work that a client may send for each answer that it took: updates of its windows, PINGs to measure the line. */
const IDLE_FRAMES_AN_ANSWER = 8;

export class Conduct {
  readonly #now: () => number;
  readonly #address: AddressConduct;
  readonly #idleFrames: Tolerance;
  readonly #resets: Tolerance;

  constructor(limits: Http2Limits, now: () => number, address: AddressConduct) {
    this.#now = now;
    this.#address = address;
    this.#idleFrames = new Tolerance(limits.idleFrames, now());
    this.#resets = new Tolerance(limits.resets, now());
  }

  answered(): void {
    this.#resets.earn(1);
    this.#address.earnReset();
    this.#idleFrames.earn(IDLE_FRAMES_AN_ANSWER);
  }

  /** A piece of an answer was sent, which the client says that it took. */
  dataSent(): void {
    this.#idleFrames.earn(2);
  }

  /** @throws {ConnectionError} when it was one too many. */
  countReset(): void {
    const now = this.#now();
    if (!this.#resets.use(now) || !this.#address.useReset(now)) throw enhanceYourCalm('too many streams were reset');
  }

  /** @throws {ConnectionError} when it was one too many. */
  countIdleFrame(): void {
    if (!this.#idleFrames.use(this.#now())) throw enhanceYourCalm('too many frames that bring no work');
  }
}
