import { elementCount } from './datatypes.ts';
import type { Datatype } from './datatypes.ts';

/** Every byte of a number has to be in the request anyhow. */
const MAX_NUMBERS = 64 * 1024 * 1024;
/** A BYTES element takes four bytes to send, and a string of its own to hold, here and in the instance that runs it. */
export const MAX_BYTES_ELEMENTS = 1024 * 1024;

/** How many elements the tensors of one request may have together. */
export class ElementBudget {
  #numbers = MAX_NUMBERS;
  #texts = MAX_BYTES_ELEMENTS;

  /** The number of elements of a tensor, checked as `elementCount` does. @throws {RequestError} */
  take(name: string, datatype: Datatype, shape: readonly unknown[]): number {
    const isText = datatype === 'BYTES';
    const count = elementCount(name, shape, isText ? this.#texts : this.#numbers);
    if (isText) this.#texts -= count;
    else this.#numbers -= count;
    return count;
  }
}
