/** The token that a request carries, as far as it can be judged without asking anybody. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Refusal } from '../proxy/refusal.ts';

/** A token must have been made for us: one for the API server, say, would let whoever sees it act there in the caller's name. */
export const AUDIENCE = 'slipway';

/** Of the operator's token. Another one, so that no caller of a service can be taken for it, nor it for a caller. */
export const OPERATOR_AUDIENCE = 'slipway-gateways';

export interface BearerToken {
  readonly text: string;
  /** As it says itself, in seconds since 1970. */
  readonly expiresAt: number;
}

const BEARER = /^bearer +([\w~+/.-]+=*) *$/i;

export function bearerTokenOf(fields: readonly HeaderField[], audience: string): BearerToken | Refusal {
  const how = `send "Authorization: Bearer" with a token of a service account for the audience ${audience}`;
  const invalid = (what: string): Refusal => ({ code: 'InvalidToken', message: `${what}; ${how}` });
  const given = fields.filter(({ name }) => name === 'authorization');
  if (given.length === 0) return { code: 'NoToken', message: `this service asks who you are: ${how}` };
  if (given.length > 1) return invalid('there is more than one Authorization');
  const [, text] = BEARER.exec(given[0]?.value ?? '') ?? [];
  const claims = text === undefined ? undefined : claimsOf(text);
  if (text === undefined || claims === undefined) return invalid('Authorization holds no token of a service account');
  const audiences = [claims['aud']].flat();
  if (!audiences.includes(audience)) return invalid(`the token is not for the audience ${audience}`);
  const expiresAt = claims['exp'];
  return typeof expiresAt === 'number' ? { text, expiresAt } : invalid('the token says no time at which it expires');
}

/** Whether the value of an Authorization is a token for it, true or not. */
export function isTokenFor(authorization: string, audience: string): boolean {
  const [, text] = BEARER.exec(authorization) ?? [];
  const claims = text === undefined ? undefined : claimsOf(text);
  return [claims?.['aud']].flat().includes(audience);
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
