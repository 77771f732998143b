/**
 * What the peer may still send, of one stream or of a connection (RFC 9113, section 6.9). It is told of what was taken once
 * that is half of the window, so that an update does not go out for every frame.
 */
export class ReceiveWindow {
  readonly #size: number;
  #left: number;
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** False when the peer sent more than it may. */
  receive(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** By how much to tell the peer now that its window grows; 0: not yet. */
  giveBack(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < this.#size / 2) return 0;
    const update = this.#taken;
    this.#left += update;
    this.#taken = 0;
    return update;
  }
}
