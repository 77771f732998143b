/** What the API server said of a token, and how long that counts. */
import type { ServiceAccount } from './service-account.ts';

export interface Review {
  /** Whose the token is; undefined where it is good for nothing here. */
  readonly serviceAccount: ServiceAccount | undefined;
}

export interface Remembered {
  readonly review: Review;
  /** These are milliseconds of a clock that only goes forward. */
  readonly reviewedAt: number;
  readonly expiresAt: number;
  /** The API server could not be asked, and is left alone until then. */
  readonly askAgainAt: number;
}

/** In milliseconds since the review. */
export const COUNTS_FOR = {
  /** A token that was taken back is let in for so long at most. */
  accepted: 60_000,
  /** From then on the API server is asked again beside the request, so that none waits for it. */
  acceptedAlone: 30_000,
  /** While the API server cannot be asked: nobody can take a token back there either. */
  acceptedWithoutApi: 600_000,
  rejected: 10_000,
} as const;

/** `use` it; `use-and-ask` beside that; `ask`, and use it if there is no answer; `forget` it. */
export type Standing = 'use' | 'use-and-ask' | 'ask' | 'forget';

export function standingOf({ review, reviewedAt, expiresAt, askAgainAt }: Remembered, now: number): Standing {
  const age = now - reviewedAt;
  if (review.serviceAccount === undefined) return age < COUNTS_FOR.rejected ? 'use' : 'forget';
  if (now >= expiresAt || age >= COUNTS_FOR.acceptedWithoutApi) return 'forget';
  if (age < COUNTS_FOR.acceptedAlone || now < askAgainAt) return 'use';
  return age < COUNTS_FOR.accepted ? 'use-and-ask' : 'ask';
}
