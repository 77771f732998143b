/** The beginning of a body, in memory that all samples share. */

export class SampleMemory {
  readonly maxBytes: number;
  used = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** False where there is no room. */
  take(bytes: number): boolean {
    if (this.used + bytes > this.maxBytes) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

export class BodyStart {
  readonly #memory: SampleMemory;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  /** That came by, kept or not. */
  bytes = 0;
  kept = 0;

  constructor(memory: SampleMemory, maxBytes: number) {
    this.#memory = memory;
    this.#maxBytes = maxBytes;
  }

  /** Copies what still fits, because a piece of what a socket read holds all of it in memory. False where there is no room. */
  add(chunk: Uint8Array): boolean {
    this.bytes += chunk.length;
    const length = Math.min(chunk.length, this.#maxBytes - this.kept);
    if (length === 0) return true;
    if (!this.#memory.take(length)) return false;
    this.kept += length;
    this.#chunks.push(Buffer.from(chunk.subarray(0, length)));
    return true;
  }

  whole(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
