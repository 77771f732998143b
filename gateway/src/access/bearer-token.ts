/** The token that a request carries, as far as it can be judged without asking anybody. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Refusal } from '../proxy/refusal.ts';

/** A token must have been made for us: one for the API server, say, would let whoever sees it act there in the caller's name. */
export const AUDIENCE = 'slipway';

export interface BearerToken {
  readonly text: string;
  /** As it says itself, in seconds since 1970. */
  readonly expiresAt: number;
}

const BEARER = /^bearer +([\w~+/.-]+=*) *$/i;
const HOW = `send "Authorization: Bearer" with a token of a service account for the audience ${AUDIENCE}`;

export function bearerTokenOf(fields: readonly HeaderField[]): BearerToken | Refusal {
  const given = fields.filter(({ name }) => name === 'authorization');
  if (given.length === 0) return { code: 'NoToken', message: `this service asks who you are: ${HOW}` };
  if (given.length > 1) return invalid('there is more than one Authorization');
  const [, text] = BEARER.exec(given[0]?.value ?? '') ?? [];
  const claims = text === undefined ? undefined : claimsOf(text);
  if (text === undefined || claims === undefined) return invalid('Authorization holds no token of a service account');
  const audiences = [claims['aud']].flat();
  if (!audiences.includes(AUDIENCE)) return invalid(`the token is not for the audience ${AUDIENCE}`);
  const expiresAt = claims['exp'];
  return typeof expiresAt === 'number' ? { text, expiresAt } : invalid('the token says no time at which it expires');
}

function invalid(what: string): Refusal {
  return { code: 'InvalidToken', message: `${what}; ${HOW}` };
}

/** What a JSON Web Token says, whether it is true or not. */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
