import type { Refusal } from '../proxy/refusal.ts';
import type { Review } from './remembered.ts';
import type { ServiceAccount } from './service-account.ts';

/** Whose a token is, or why that cannot be said. `review`: undefined where nobody knows. */
export function identified(review: Review | undefined): ServiceAccount | Refusal {
  if (review === undefined)
    return { code: 'Unavailable', message: 'it cannot be found out now who you are; try again later' };
  return review.serviceAccount ?? UNKNOWN;
}

const UNKNOWN: Refusal = {
  code: 'InvalidToken',
  message: 'the API server does not take the token: it may have expired, or its pod or service account is gone',
};
