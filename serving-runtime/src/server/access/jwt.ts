/** Tokens of an identity provider: RFC 7519, with the rules of RFC 8725. */
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { RequestError } from '../../protocol/errors.ts';
import type { TokenCheck } from './access.ts';

export interface JwtRules {
  readonly issuer: string;
  readonly audience: string;
}

/** With a public key alone: a secret that is shared would let this server make tokens. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const CLOCK_SKEW_SECONDS = 60;
const REFRESH_MS = 5 * 60_000;
const FETCH_MS = 5000;
/** Tokens with unknown keys have us ask the provider no more often than this. */
const COOLDOWN_MS = 30_000;

export function createJwtCheck(keys: JWTVerifyGetKey, { issuer, audience }: JwtRules): TokenCheck {
  const options = {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp'],
  };
  return (token) =>
    jwtVerify(token, keys, options).then(
      ({ payload }) => ({ identity: payload.sub }),
      (cause: unknown) => {
        throw toRequestError(cause);
      },
    );
}

const WRONG_TOKEN = [
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

function toRequestError(cause: unknown): RequestError {
  if (cause instanceof errors.JWTExpired) return new RequestError('Unauthenticated', 'the token has expired');
  if (cause instanceof errors.JWTClaimValidationFailed) {
    return new RequestError('Unauthenticated', `the token is not for this server: its claim "${cause.claim}" is wrong`);
  }
  if (WRONG_TOKEN.some((kind) => cause instanceof kind)) {
    return new RequestError(
      'Unauthenticated',
      'the token is not valid: malformed, or not signed with a key of the issuer',
    );
  }
  return new RequestError('Unavailable', 'the keys that tokens are checked with cannot be fetched now; try again');
}

/** The keys of a provider. They are fetched again every five minutes and when a token names a new one; while the provider is away, those from before go on. */
export function remoteKeys(url: URL, onFailure: (cause: unknown) => void): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: Infinity,
    timeoutDuration: FETCH_MS,
    cooldownDuration: COOLDOWN_MS,
  });
  const refresh = () => void keys.reload().catch(onFailure);
  refresh();
  setInterval(refresh, REFRESH_MS).unref();
  return keys;
}

export interface LocalKeys {
  readonly keys: JWTVerifyGetKey;
  /** @throws {Error} when it is no set of keys; those from before go on. */
  use(content: Buffer): void;
}

/** @throws {Error} when it is no set of keys. */
export function localKeys(content: Buffer): LocalKeys {
  let keys = readKeys(content);
  return {
    keys: (header, token) => keys(header, token),
    use: (next) => {
      keys = readKeys(next);
    },
  };
}

function readKeys(content: Buffer): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(content.toString()) as JSONWebKeySet);
  } catch {
    throw new Error('the file of keys is no JSON Web Key Set: {"keys": […]}');
  }
}
