const HEAD_MS = 10_000;
const LOOK_MS = 2_000;

export interface ArrivalLimits {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/** For `createServer` of node:http: who has not sent a whole request after `receiveMs` milliseconds, of which its head may take ten seconds, gets 408 instead of an answer. */
export function arrivalLimits(receiveMs: number): ArrivalLimits {
  return {
    headersTimeout: Math.min(HEAD_MS, receiveMs),
    requestTimeout: receiveMs,
    connectionsCheckingInterval: LOOK_MS,
  };
}
