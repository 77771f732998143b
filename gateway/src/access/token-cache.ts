import { hash } from 'node:crypto';
import type { Remembered } from './remembered.ts';

/** About 400 bytes each. */
const MAX_ACCEPTED = 10_000;
/** Apart, so that whoever sends made-up tokens drives out no good ones. */
const MAX_REJECTED = 1000;

/** Tokens by their sha256, so that memory holds none that could be used. */
export class TokenCache {
  readonly #accepted = new Map<string, Remembered>();
  readonly #rejected = new Map<string, Remembered>();

  get size(): number {
    return this.#accepted.size + this.#rejected.size;
  }

  get(key: string): Remembered | undefined {
    return this.#accepted.get(key) ?? this.#rejected.get(key);
  }

  /** The one that was reviewed longest ago goes where there is no room. */
  set(key: string, remembered: Remembered): void {
    this.delete(key);
    const isAccepted = remembered.review.serviceAccount !== undefined;
    const of = isAccepted ? this.#accepted : this.#rejected;
    const [oldest] = of.keys();
    if (oldest !== undefined && of.size >= (isAccepted ? MAX_ACCEPTED : MAX_REJECTED)) of.delete(oldest);
    of.set(key, remembered);
  }

  delete(key: string): void {
    this.#accepted.delete(key);
    this.#rejected.delete(key);
  }
}

export function tokenKey(token: string): string {
  return hash('sha256', token, 'base64');
}
