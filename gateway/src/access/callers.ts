/** Whose a token is: as the API server said before, or as it says now. */
import type { BearerToken } from './bearer-token.ts';
import { createQuestions } from './questions.ts';
import { standingOf } from './remembered.ts';
import type { Remembered, Review } from './remembered.ts';
import { TokenCache, tokenKey } from './token-cache.ts';

/** Rejects where the API server gives no answer. */
export type ReviewToken = (token: string, signal: AbortSignal) => Promise<Review>;

export interface CallersOptions {
  readonly review: ReviewToken;
  /** Milliseconds since 1970, as tokens have it. */
  readonly wallClock: () => number;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

export interface Callers {
  /** undefined: nobody knows, since the API server cannot be asked. */
  of(token: BearerToken): Review | undefined | Promise<Review | undefined>;
}

/** Requests wait for them. */
const REVIEWS = { atATime: 16, maxWaiting: 256, timeoutMs: 5000 };
/** After a review that failed, a token that is remembered is not asked about for so long. */
const LEFT_ALONE_MS = 5000;

export function createCallers({ review, wallClock, now }: CallersOptions): Callers {
  const cache = new TokenCache();
  const questions = createQuestions<Review | undefined>(REVIEWS);

  function ask({ text, expiresAt }: BearerToken, key: string): Promise<Review | undefined> {
    return questions(key, async (signal) => {
      const answer = await review(text, signal).catch(() => undefined);
      if (answer === undefined) return undefined;
      const reviewedAt = now();
      const lifetime = expiresAt * 1000 - wallClock();
      cache.set(key, { review: answer, reviewedAt, expiresAt: reviewedAt + lifetime, askAgainAt: 0 });
      return answer;
    });
  }

  async function askOrUse(token: BearerToken, key: string, remembered: Remembered): Promise<Review | undefined> {
    const answer = await ask(token, key);
    if (answer !== undefined) return answer;
    cache.set(key, { ...remembered, askAgainAt: now() + LEFT_ALONE_MS });
    return remembered.review;
  }

  return {
    of: (token) => {
      const key = tokenKey(token.text);
      const remembered = cache.get(key);
      const standing = remembered && standingOf(remembered, now());
      if (remembered === undefined || standing === 'forget') {
        cache.delete(key);
        return ask(token, key);
      }
      if (standing === 'ask') return askOrUse(token, key, remembered);
      if (standing === 'use-and-ask') void askOrUse(token, key, remembered);
      return remembered.review;
    },
  };
}
