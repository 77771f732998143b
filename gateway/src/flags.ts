/** Every flag once: what it is worth, and what the help says of it. */
import { quantityValue } from '@slipway/kube';
import { z } from 'zod';
import { goDurationMs } from './control/go-duration.ts';

interface Flag<Schema extends z.ZodType> {
  /** What follows it, in the help. */
  readonly value: string;
  /** A line each. */
  readonly help: string;
  readonly schema: Schema;
}

function flag<Schema extends z.ZodType>(value: string, help: string, schema: Schema): Flag<Schema> {
  return { value, help, schema };
}

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(1);
const seconds = z.coerce.number().min(0).max(3600);

const MIN_SIZE_LIMIT = 16 * 1024 * 1024;
const sizeLimit = z
  .string()
  .transform((text) => quantityValue(text) ?? 0)
  .refine((bytes) => bytes >= MIN_SIZE_LIMIT, 'must be a quantity of at least 16Mi, such as 1Gi');
const duration = z
  .string()
  .regex(/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/, 'must be a duration such as 168h')
  .transform(goDurationMs);

const PORTS = {
  host: flag('ADDRESS', 'what the ports listen on (0.0.0.0)', z.string().default('0.0.0.0')),
  port: flag('N', 'HTTP/1.1, HTTP/2, gRPC and WebSocket (8080)', port.default(8080)),
  'admin-port': flag(
    'N',
    '/healthz, /readyz, /metrics, and /routes: which\nsequence of each route is applied (8002)',
    port.default(8002),
  ),
};

const file = z.string().min(1).optional();

const TLS = {
  'tls-port': flag('N', 'the same over TLS, where there is a certificate (8443)', port.default(8443)),
  'tls-cert-file': flag('FILE', 'PEM: its certificate, and what leads from it to its\nauthority (no TLS)', file),
  'tls-key-file': flag('FILE', 'PEM: its key', file),
  'tls-client-ca-file': flag(
    'FILE',
    'PEM: authorities whose certificates tell who a client\nis; none needs one (nobody is asked for one)',
    file,
  ),
};

const SERVICE_ACCOUNT = /^([a-z0-9][-a-z0-9]*)\/([a-z0-9][-.a-z0-9]*)$/;

const serviceAccount = z
  .string()
  .regex(SERVICE_ACCOUNT, 'must be the namespace and the name of a service account: slipway-system/slipway')
  .transform((text) => {
    const [, namespace = '', name = ''] = SERVICE_ACCOUNT.exec(text) ?? [];
    return { namespace, name };
  })
  .optional();

const ACCESS = {
  operator: flag('NAMESPACE/NAME', 'the service account that alone may read /stream\n(everybody may)', serviceAccount),
  'service-account': flag(
    'NAMESPACE/NAME',
    'its own: pods that take requests from gateways alone\nare shown tokens of it (none)',
    serviceAccount,
  ),
};

const ROUTES = {
  namespaces: flag(
    'LIST',
    'look into these only, with commas between them\n(all)',
    z
      .string()
      .transform((text) => text.split(',').filter((name) => name !== ''))
      .optional(),
  ),
  'cluster-domain': flag(
    'NAME',
    'what names of Services end with (cluster.local)',
    z.string().min(1).default('cluster.local'),
  ),
};

const LIMITS = {
  'max-connections': flag('N', 'more are closed at once (10000)', count.default(10_000)),
  'max-connections-per-address': flag(
    'N',
    'from one address; raise it where a proxy stands\nbefore the gateway, from which all come (1000)',
    count.default(1000),
  ),
};

const SAMPLES = {
  'sampling-dir': flag(
    'DIR',
    'keep the samples that routes ask for in files here\n(none are kept)',
    z.string().min(1).optional(),
  ),
  'sampling-size-limit': flag(
    'QUANTITY',
    'of DIR; files use four fifths of it, and the oldest\ngoes first (1Gi)',
    sizeLimit.prefault('1Gi'),
  ),
  'sampling-retention': flag('DURATION', 'files go when they are so old (168h)', duration.prefault('168h')),
};

const WATCHING = {
  'log-level': flag(
    'LEVEL',
    'debug, info, warn, error (info)',
    z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  ),
};

const ENDING = {
  'drain-seconds': flag(
    'N',
    'after SIGTERM: not ready, but still taking requests,\nfor this long (5)',
    seconds.default(5),
  ),
  'grace-seconds': flag('N', 'then: how long requests in flight may take (25)', seconds.default(25)),
};

/** In the order of the help. */
export const TOPICS = {
  Ports: PORTS,
  'TLS (files are read again when they change)': TLS,
  Access: ACCESS,
  Routes: ROUTES,
  Limits: LIMITS,
  Samples: SAMPLES,
  Watching: WATCHING,
  Ending: ENDING,
};

export const FLAGS = { ...PORTS, ...TLS, ...ACCESS, ...ROUTES, ...LIMITS, ...SAMPLES, ...WATCHING, ...ENDING };
export type Flags = typeof FLAGS;
