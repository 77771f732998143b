import { RequestError } from '../protocol/errors.ts';

/** Memory that has a bound for all who use it together. */
export class ByteBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws {RequestError} Unavailable when there is not so much left; then nothing was taken. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#limit) {
      throw new RequestError('Unavailable', 'the server holds too many requests that have not arrived in full');
    }
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
