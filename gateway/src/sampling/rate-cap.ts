/** At most so many a minute, evenly: of a burst the first are taken, and then as many as the time allows. */

/** Of what a minute allows, so much at once. */
const BURST = 0.1;
const MINUTE_MS = 60_000;

export class RateCap {
  readonly #perMinute: number;
  readonly #most: number;
  #left: number;
  #at: number;

  /** @param now Milliseconds, of a clock that only goes forward. */
  constructor(perMinute: number, now: number) {
    this.#perMinute = perMinute;
    this.#most = Math.max(1, perMinute * BURST);
    this.#left = this.#most;
    this.#at = now;
  }

  /** False where one more would be too many. */
  take(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) * this.#perMinute) / MINUTE_MS);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
