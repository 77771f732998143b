/** How a peer behaves: what is tolerated in small amounts, and ends its connection in large ones. */
import { enhanceYourCalm } from './errors.ts';
import type { Allowance } from './limits.ts';

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

/** Frames without work that a peer may send for each answer: updates of its windows, PINGs to measure the line. */
const IDLE_FRAMES_AN_ANSWER = 8;

/** Frames of a connection that bring no work. */
export class IdleFrames {
  readonly #now: () => number;
  readonly #tolerance: Tolerance;

  /** `now`: milliseconds, of a clock that only goes forward. */
  constructor(allowance: Allowance, now: () => number) {
    this.#now = now;
    this.#tolerance = new Tolerance(allowance, now());
  }

  answered(): void {
    this.#tolerance.earn(IDLE_FRAMES_AN_ANSWER);
  }

  /** A piece of a body was sent, which the peer says that it took. */
  dataSent(): void {
    this.#tolerance.earn(2);
  }

  /** @throws {ConnectionError} when it was one too many. */
  count(): void {
    if (!this.#tolerance.use(this.#now())) throw enhanceYourCalm('too many frames that bring no work');
  }
}

/** Resets of all connections from one address: a client that is bounded on one of them could open many. */
export interface AddressConduct {
  /** False when it was one too many. */
  useReset(now: number): boolean;
  earnReset(): void;
}

/** Streams of a connection that its client reset, or had us reset. */
export class Resets {
  readonly #now: () => number;
  readonly #address: AddressConduct;
  readonly #tolerance: Tolerance;

  /** `now`: milliseconds, of a clock that only goes forward. */
  constructor(allowance: Allowance, now: () => number, address: AddressConduct) {
    this.#now = now;
    this.#address = address;
    this.#tolerance = new Tolerance(allowance, now());
  }

  answered(): void {
    this.#tolerance.earn(1);
    this.#address.earnReset();
  }

  /** @throws {ConnectionError} when it was one too many. */
  count(): void {
    const now = this.#now();
    if (!this.#tolerance.use(now) || !this.#address.useReset(now)) throw enhanceYourCalm('too many streams were reset');
  }
}
