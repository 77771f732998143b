/** What was sent of a request, as long as it waits, may have to be sent again or is mirrored. */

export interface KeptLimits {
  /** Bytes of one request. */
  readonly perRequest: number;
  /** Bytes of all requests. */
  readonly total: number;
}

const MIB = 1024 * 1024;
export const KEPT_LIMITS: KeptLimits = { perRequest: MIB, total: 256 * MIB };

/** Memory that all requests share. */
export class KeptMemory {
  readonly limits: KeptLimits;
  used = 0;

  constructor(limits: KeptLimits = KEPT_LIMITS) {
    this.limits = limits;
  }
}

export class KeptBody {
  readonly #memory: KeptMemory;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isWhole = true;

  constructor(memory: KeptMemory) {
    this.#memory = memory;
  }

  /** Everything that was pushed is there. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  /** Beyond the limits nothing is kept any more. */
  push(chunk: Buffer): void {
    if (!this.#isWhole) return;
    const { limits } = this.#memory;
    if (this.#bytes + chunk.length > limits.perRequest || this.#memory.used + chunk.length > limits.total) {
      this.release();
      return;
    }
    this.#add(chunk);
  }

  /** Of a request that waits for a pod: all of it, also beyond the limit of one. False where all together are as many as may be. */
  hold(chunk: Buffer): boolean {
    if (this.#memory.used + chunk.length > this.#memory.limits.total) return false;
    this.#add(chunk);
    return true;
  }

  /** It waits no more: beyond the limit of one, nothing is kept. */
  unhold(): void {
    if (this.#bytes > this.#memory.limits.perRequest) this.release();
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#memory.used += chunk.length;
  }

  release(): void {
    this.#memory.used -= this.#bytes;
    this.#bytes = 0;
    this.#chunks = [];
    this.#isWhole = false;
  }
}
