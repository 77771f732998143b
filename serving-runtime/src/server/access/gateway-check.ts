/** Whether a request comes from a gateway of Slipway, by a token that was made for this server; see `crds/src/known-gateways.ts`. */
import { hash } from 'node:crypto';
import { KnownGateways } from '@slipway/crds/known-gateways';
import { createLocalJWKSet, decodeJwt } from 'jose';
import { RequestError } from '../../protocol/errors.ts';
import type { TokenCheck } from './access.ts';
import { createJwtCheck } from './jwt.ts';

/** Returns at once for a token that it knows. @throws {RequestError} Unauthenticated; it may also reject with it. */
export type CheckGateway = (token: string | undefined) => void | Promise<void>;

export interface GatewayCheck {
  readonly check: CheckGateway;
  /** @throws {Error} when it does not say what it has to; what was there before goes on. */
  use(content: Buffer): void;
}

/** Each gateway has one, and another one once in a while. */
const MAX_REMEMBERED = 256;

const ASK_A_GATEWAY =
  'this server is asked through the gateways of Slipway alone; use the address of the service, <name>.<namespace>.svc';

/** @throws {Error} as `use` does. */
export function createGatewayCheck(content: Buffer): GatewayCheck {
  let verify = verifierOf(content);
  /** Until when tokens that were verified count, in milliseconds since 1970, by their sha256. */
  const verified = new Map<string, number>();

  async function verifyNow(token: string, key: string): Promise<void> {
    const asked = verify;
    await asked(token);
    // The keys may have been exchanged meanwhile.
    if (asked !== verify) return;
    const [oldest] = verified.keys();
    if (oldest !== undefined && verified.size >= MAX_REMEMBERED) verified.delete(oldest);
    verified.set(key, (decodeJwt(token).exp ?? 0) * 1000);
  }

  return {
    check: (token) => {
      if (token === undefined) throw new RequestError('Unauthenticated', ASK_A_GATEWAY);
      const key = hash('sha256', token, 'base64');
      const until = verified.get(key);
      return until !== undefined && Date.now() < until ? undefined : verifyNow(token, key);
    },
    use: (next) => {
      verify = verifierOf(next);
      verified.clear();
    },
  };
}

function verifierOf(content: Buffer): TokenCheck {
  const { issuer, audience, subjects, keys } = readKnownGateways(content);
  const check = createJwtCheck(createLocalJWKSet({ keys }), { issuer, audience });
  return async (token) => {
    const caller = await check(token);
    // Any service account can have a token made for any audience.
    if (caller?.identity === undefined || !subjects.includes(caller.identity))
      throw new RequestError('Unauthenticated', `the token is of no gateway; ${ASK_A_GATEWAY}`);
    return caller;
  };
}

function readKnownGateways(content: Buffer): KnownGateways {
  try {
    return KnownGateways.parse(JSON.parse(content.toString()));
  } catch {
    throw new Error('the file of gateways must be {"issuer": …, "audience": …, "subjects": […], "keys": […]}');
  }
}
