/** Who may ask the data ports: the same for all protocols. */
import { RequestError } from '../../protocol/errors.ts';
import type { CheckGateway } from './gateway-check.ts';

export interface Credentials {
  /** The header or metadata of that name. */
  readonly authorization: string | undefined;
  /** The header or metadata `GATEWAY_TOKEN_HEADER`. */
  readonly gatewayToken: string | undefined;
  /** Of the certificate that the client has shown. */
  readonly peerNames: readonly string[];
}

export interface Caller {
  /** For the log: the subject of its token, or the name in its certificate. */
  readonly identity: string | undefined;
}

/** @throws {RequestError} Unauthenticated or PermissionDenied; it may also reject with them. */
export type Authorize = (credentials: Credentials) => Caller | Promise<Caller>;

/** undefined: the token is not one of these. @throws {RequestError} */
export type TokenCheck = (token: string) => Caller | undefined | Promise<Caller | undefined>;

export interface AccessRules {
  /** A token has to pass one of them; none: no token is asked for. */
  readonly tokens: readonly TokenCheck[];
  /** One of them has to be in the client's certificate; empty: any may. */
  readonly clientNames: readonly string[];
  /** Asked before the others; undefined: requests need not come from a gateway. */
  readonly checkGateway?: CheckGateway | undefined;
}

/** undefined where everybody may ask, so that a request pays nothing for it. */
export function createAuthorize({ tokens, clientNames, checkGateway }: AccessRules): Authorize | undefined {
  if (tokens.length === 0 && clientNames.length === 0 && checkGateway === undefined) return undefined;
  const byClient: Authorize = ({ authorization, peerNames }) => {
    const name = peerNames.find((candidate) => clientNames.includes(candidate));
    if (clientNames.length > 0 && name === undefined) {
      throw new RequestError('PermissionDenied', 'no name in the certificate of the client is allowed here');
    }
    return tokens.length === 0 ? { identity: name } : checked(tokens, bearerToken(authorization));
  };
  if (checkGateway === undefined) return byClient;
  return (credentials) => {
    const checking = checkGateway(credentials.gatewayToken);
    return checking instanceof Promise ? checking.then(() => byClient(credentials)) : byClient(credentials);
  };
}

async function checked(checks: readonly TokenCheck[], token: string): Promise<Caller> {
  for (const check of checks) {
    // One after the other: the cheap one comes first, and ends it for all that it knows.
    // oxlint-disable-next-line no-await-in-loop
    const caller = await check(token);
    if (caller !== undefined) return caller;
  }
  throw new RequestError('Unauthenticated', 'the token is not known here');
}

/** RFC 6750, section 2.1. */
const BEARER = /^bearer +([\w.~+/=-]{1,8192}) *$/i;

function bearerToken(authorization: string | undefined): string {
  const [, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token === undefined) {
    throw new RequestError('Unauthenticated', 'a token is needed: authorization: Bearer TOKEN');
  }
  return token;
}
