import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export type { KubeConfig } from '@kubernetes/client-node';

/** What it takes to reach the API server right now. Secret: never log it. */
export interface Credentials {
  /** Such as `https://10.96.0.1:443`. */
  readonly origin: string;
  /** In front of `/api` and `/apis`; empty for most clusters. */
  readonly basePath: string;
  readonly proxyUrl: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

export interface TlsMaterial {
  readonly ca?: RequestOptions['ca'];
  readonly cert?: RequestOptions['cert'];
  readonly key?: RequestOptions['key'];
  readonly pfx?: RequestOptions['pfx'];
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/**
 * The kubeconfig file at `path`; without one, what kubectl would take: $KUBECONFIG, then ~/.kube/config,
 * then the service account of the pod.
 *
 * @throws when the file cannot be read, or names no current context.
 */
export function loadKubeConfig(path?: string): KubeConfig {
  const config = new KubeConfig();
  if (path === undefined) config.loadFromDefault();
  else config.loadFromFile(path);
  if (config.getCurrentCluster() === null) {
    const file = path ?? 'the default kubeconfig';
    throw new Error(`${file} has no current context with a cluster: set one with "kubectl config use-context NAME"`);
  }
  return config;
}

/** The address of the API server. */
export function serverOf(config: KubeConfig): URL {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('The kubeconfig has no current cluster: set a current-context');
  return new URL(server);
}

/**
 * Reads certificate files, token files and exec/OIDC plugins through client-node, which caches them as client-go does
 * (a token file for 60 s, an exec credential until it expires).
 */
export async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const url = serverOf(config);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file usually ends in a newline, which no header may hold.
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (typeof options.auth === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return {
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    proxyUrl: config.getCurrentCluster()?.proxyUrl,
    headers,
    tls: pickTls(options),
  };
}

/** The same configuration with nothing cached, for after the server refused a credential. */
export function withoutCachedCredentials(config: KubeConfig): KubeConfig {
  const fresh = new KubeConfig();
  fresh.loadFromOptions({
    clusters: config.getClusters(),
    users: config.getUsers(),
    contexts: config.getContexts(),
    currentContext: config.getCurrentContext(),
  });
  return fresh;
}

function pickTls(options: RequestOptions): TlsMaterial {
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}
