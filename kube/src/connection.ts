import { createHash } from 'node:crypto';
import { Agent, type buildConnector, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import type { Clock } from './clock.ts';
import {
  type Credentials,
  type KubeConfig,
  readCredentials,
  type TlsMaterial,
  withoutCachedCredentials,
} from './kube-config.ts';

export interface Endpoint {
  readonly credentials: Credentials;
  readonly dispatcher: Dispatcher;
}

/** One pool of connections to the API server, for all traffic of a client. */
export interface Connection {
  /** The pool and headers of now. Credentials are re-read every 10 seconds. */
  current(): Promise<Endpoint>;
  /** As `current`, after forgetting every cached token: for after a 401. */
  refreshed(): Promise<Endpoint>;
  close(): Promise<void>;
}

const CREDENTIALS_MAX_AGE_MS = 10_000;

/**
 * client-node makes a new Agent, so a new TLS handshake, for every request (style guide, section 4). Here one Agent lives
 * until the TLS material changes on disk; the old one then closes as soon as its running requests and watches have ended.
 */
export function createConnection(kubeConfig: KubeConfig, clock: Clock): Connection {
  let config = kubeConfig;
  let endpoint: (Endpoint & { readonly fingerprint: string }) | undefined;
  let readAt = -Infinity;
  let reading: Promise<Endpoint> | undefined;

  async function read(): Promise<Endpoint> {
    const credentials = await readCredentials(config);
    const fingerprint = fingerprintOf(credentials);
    if (endpoint?.fingerprint !== fingerprint) {
      const old = endpoint?.dispatcher;
      endpoint = { credentials, dispatcher: createDispatcher(credentials), fingerprint };
      old?.close().catch(() => {});
    } else {
      endpoint = { ...endpoint, credentials };
    }
    readAt = clock.now().getTime();
    return endpoint;
  }

  function current(): Promise<Endpoint> {
    const age = clock.now().getTime() - readAt;
    if (endpoint !== undefined && age >= 0 && age < CREDENTIALS_MAX_AGE_MS) return Promise.resolve(endpoint);
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  }

  return {
    current,
    async refreshed() {
      await reading?.catch(() => {});
      config = withoutCachedCredentials(config);
      readAt = -Infinity;
      return current();
    },
    async close() {
      await endpoint?.dispatcher.destroy();
    },
  };
}

function createDispatcher({ proxyUrl, tls }: Credentials): Dispatcher {
  // Deadlines are the client's, so undici's own timers are off. HTTP/1.1, because a pool of a few connections survives
  // one broken connection; HTTP/2 was neither faster nor lighter on the processor in the bench.
  const pool = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, allowH2: false };
  const socket = { keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000 };
  if (proxyUrl === undefined || proxyUrl === '')
    return new Agent({ ...pool, connect: { ...toConnectOptions(tls), ...socket } });
  if (proxyUrl.startsWith('socks'))
    return new Socks5ProxyAgent(proxyUrl, { ...pool, requestTls: toConnectOptions(tls) });
  return new ProxyAgent({ ...pool, uri: proxyUrl, requestTls: toConnectOptions(tls), connect: socket });
}

function toConnectOptions(tls: TlsMaterial): buildConnector.BuildOptions {
  return tls;
}

function fingerprintOf({ origin, proxyUrl, tls }: Credentials): string {
  const material = [
    origin,
    proxyUrl,
    tls.servername,
    tls.rejectUnauthorized,
    tls.passphrase,
    ...[tls.ca, tls.cert, tls.key, tls.pfx].map(String),
  ];
  return createHash('sha256').update(JSON.stringify(material)).digest('hex');
}
