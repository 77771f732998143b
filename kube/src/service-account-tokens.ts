/** Tokens of service accounts, and by what whoever gets one can check it without asking the API server. */
import { objectPath } from './paths.ts';
import type { Transport } from './transport.ts';
import type { ObjectKey } from './types.ts';

export interface TokenWish {
  /** Whom it is for; nobody else takes it. */
  readonly audience: string;
  /** The API server may give it another end. */
  readonly expirationSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ServiceAccountToken {
  readonly text: string;
  readonly expiresAt: Date;
}

export interface TokenIssuer {
  /** The claim `iss` of tokens. */
  readonly issuer: string;
  /** JSON Web Keys (RFC 7517) that sign them, or did, or will. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

const SERVICE_ACCOUNTS = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

/** By a TokenRequest, which is a right of its own: `create` of `serviceaccounts/token`. */
export async function requestToken(
  transport: Pick<Transport, 'json'>,
  account: ObjectKey,
  { audience, expirationSeconds, signal }: TokenWish,
): Promise<ServiceAccountToken> {
  const { status } = (await transport.json({
    method: 'POST',
    path: objectPath(SERVICE_ACCOUNTS, account, 'token'),
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds },
    },
    signal,
  })) as { readonly status: { readonly token: string; readonly expirationTimestamp: string } };
  return { text: status.token, expiresAt: new Date(status.expirationTimestamp) };
}

/** Every service account may read it (`system:service-account-issuer-discovery`). */
export async function readTokenIssuer(transport: Pick<Transport, 'json'>): Promise<TokenIssuer> {
  const [configuration, { keys }] = (await Promise.all([
    transport.json({ method: 'GET', path: '/.well-known/openid-configuration' }),
    // It answers 406 to whoever asks for plain JSON.
    transport.json({ method: 'GET', path: '/openid/v1/jwks', accept: 'application/jwk-set+json' }),
  ])) as [Pick<TokenIssuer, 'issuer'>, Pick<TokenIssuer, 'keys'>];
  return { issuer: configuration.issuer, keys };
}
