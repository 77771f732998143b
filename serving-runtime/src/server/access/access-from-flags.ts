/** The rules of access that the flags ask for, with files that are read again when they change. */
import { readFileSync } from 'node:fs';
import { watchFiles } from '../../watch-files.ts';
import { createAuthorize } from './access.ts';
import type { Authorize, TokenCheck } from './access.ts';
import { createGatewayCheck } from './gateway-check.ts';
import { createJwtCheck, localKeys, remoteKeys } from './jwt.ts';
import { createStaticTokens } from './static-tokens.ts';

export interface AccessFlags {
  readonly 'auth-token-file'?: string | undefined;
  readonly 'jwt-jwks-file'?: string | undefined;
  readonly 'jwt-jwks-url'?: URL | undefined;
  readonly 'jwt-issuer'?: string | undefined;
  readonly 'jwt-audience'?: string | undefined;
  readonly 'allowed-client-names': readonly string[];
  readonly 'gateways-file'?: string | undefined;
}

/** Told why keys or tokens could not be read anew; those from before go on. */
export type ReloadFailed = (what: string, cause: unknown) => void;

/** undefined where everybody may ask. @throws {Error} when a file cannot be used. */
export function accessFromFlags(flags: AccessFlags, reloadFailed: ReloadFailed): Authorize | undefined {
  const tokenFile = flags['auth-token-file'];
  const tokens = [
    ...(tokenFile === undefined ? [] : [tokensOf(tokenFile, reloadFailed)]),
    ...jwtChecks(flags, reloadFailed),
  ];
  const gateways = flags['gateways-file'];
  const checkGateway = gateways === undefined ? undefined : reloaded(gateways, createGatewayCheck, reloadFailed).check;
  return createAuthorize({ tokens, clientNames: flags['allowed-client-names'], checkGateway });
}

function tokensOf(path: string, reloadFailed: ReloadFailed): TokenCheck {
  return reloaded(path, createStaticTokens, reloadFailed).check;
}

function jwtChecks(flags: AccessFlags, reloadFailed: ReloadFailed): readonly TokenCheck[] {
  const {
    'jwt-jwks-file': file,
    'jwt-jwks-url': url,
    'jwt-issuer': issuer = '',
    'jwt-audience': audience = '',
  } = flags;
  if (url !== undefined) {
    const keys = remoteKeys(url, (cause) => reloadFailed(url.href, cause));
    return [createJwtCheck(keys, { issuer, audience })];
  }
  if (file === undefined) return [];
  return [createJwtCheck(reloaded(file, localKeys, reloadFailed).keys, { issuer, audience })];
}

function reloaded<T extends { use(content: Buffer): void }>(
  path: string,
  create: (content: Buffer) => T,
  reloadFailed: ReloadFailed,
): T {
  const content = readFileSync(path);
  const made = create(content);
  watchFiles([content], {
    paths: [path],
    changed: ([next]) => {
      try {
        made.use(next as Buffer);
      } catch (cause) {
        reloadFailed(path, cause);
      }
    },
    unreadable: (cause) => reloadFailed(path, cause),
  });
  return made;
}
