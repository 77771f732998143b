/** How much may go on at a time; what is more waits, but not too much of it. */
export class Slots {
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(total: number, maxWaiting: number) {
    this.#free = total;
    this.#maxWaiting = maxWaiting;
  }

  /** Resolves with false when too many wait already, or when the signal aborts before it is its turn. */
  take(signal: AbortSignal): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= this.#maxWaiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#waiting.delete(go);
        resolve(false);
      };
      const go = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(go);
    });
  }

  /** Once for each `take` that came to true. */
  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
