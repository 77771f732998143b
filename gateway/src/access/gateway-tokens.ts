/**
 * Tokens by which pods know this gateway. Each is made for one service, so that a model server that gets one can use it for
 * nothing else. They live long, so that requests go on while the API server is away.
 */
import { gatewayTokenAudience } from '@slipway/crds/known-gateways';
import type { Logger, ServiceAccountToken } from '@slipway/kube';
import type { Route } from '../routing/route.ts';
import { createQuestions } from './questions.ts';

type Service = Pick<Route, 'namespace' | 'name'>;

/** Rejects where the API server gives none. */
export type RequestToken = (audience: string, signal: AbortSignal) => Promise<ServiceAccountToken>;

export interface GatewayTokensOptions {
  readonly request: RequestToken;
  readonly log: Logger;
  /** Milliseconds since 1970, as tokens have it. */
  readonly wallClock: () => number;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

export interface GatewayTokens {
  /** undefined: there is none, and the API server gives none. */
  of(service: Service): string | undefined | Promise<string | undefined>;
  forget(service: Service): void;
}

interface Held {
  readonly text: string;
  /** These are milliseconds of the clock that only goes forward. */
  readonly expiresAt: number;
  /** From then on another one is asked for, beside the requests. */
  readonly renewAt: number;
}

export const NO_GATEWAY_TOKENS: GatewayTokens = { of: () => undefined, forget: () => {} };

/** API servers may shorten it. */
export const TOKEN_SECONDS = 24 * 3600;
const RENEW_AFTER_MS = 30 * 60_000;
/** Clocks differ, and a request that begins now may be sent to a second pod later. */
const LAST_MS = 5 * 60_000;
/** Requests wait for them. */
const REQUESTS = { atATime: 16, maxWaiting: 4096, timeoutMs: 5000 };
/** After a failure, while the token that is there still counts. */
const LEFT_ALONE_MS = 5000;

export function createGatewayTokens({ request, log, wallClock, now }: GatewayTokensOptions): GatewayTokens {
  const held = new Map<string, Held>();
  const questions = createQuestions<string | undefined>(REQUESTS);
  let isFailing = false;

  async function askNow(audience: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      const { text, expiresAt } = await request(audience, signal);
      const lifetime = expiresAt.getTime() - wallClock();
      held.set(audience, {
        text,
        expiresAt: now() + lifetime - Math.min(LAST_MS, lifetime / 4),
        renewAt: now() + Math.min(RENEW_AFTER_MS, lifetime / 2),
      });
      if (isFailing) log.info({}, 'the API server gives tokens for pods again');
      isFailing = false;
      return text;
    } catch (err) {
      if (!isFailing) log.warn({ err, audience }, 'the API server gives no token for the pods of a service');
      isFailing = true;
      const old = held.get(audience);
      if (old !== undefined) held.set(audience, { ...old, renewAt: now() + LEFT_ALONE_MS });
      return undefined;
    }
  }

  const ask = (audience: string) => questions(audience, (signal) => askNow(audience, signal));

  return {
    of: ({ namespace, name }) => {
      const audience = gatewayTokenAudience(namespace, name);
      const found = held.get(audience);
      if (found === undefined || now() >= found.expiresAt) return ask(audience);
      if (now() >= found.renewAt) void ask(audience);
      return found.text;
    },
    forget: ({ namespace, name }) => void held.delete(gatewayTokenAudience(namespace, name)),
  };
}
