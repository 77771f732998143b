/** Every flag once: what it is worth, and what the help says of it. */
import { z } from 'zod';

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
const file = z.string().min(1).optional();
const count = z.coerce.number().int().min(1);
const list = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((item) => item !== ''));

const MODELS = {
  'model-repository': flag('DIR', 'holds <model>/<version>/model.onnx', z.string().min(1)),
  settings: flag(
    'JSON|FILE',
    `settings of all models, for example '{"instances": 2}';
<model>/config.yaml says the same of one model, and wins:
  instances         sessions that run at the same time (1)
  threads           threads of ONNX Runtime within one run (1)
  device            cpu or cuda (cpu)
  isolation         thread, process: can be killed when it hangs,
                    or none: answers sooner where a run takes
                    microseconds (thread)
  maxBatchRows      rows of several requests that run together
                    at most (measured at load; 1: none)
  maxQueuedRows, maxQueuedBytes
                    beyond them: 503 (4096, 268435456)
  timeoutSeconds    after it a request that waits gets 504 (30)
  maxRunSeconds     a run that takes longer is hung (60)
  warmUp            requests that must succeed before it is ready:
                    [{"<input>": {"shape": [1, 2], "data": [0, 1]}}]
  cacheBytes        answers kept for equal requests (0)
  steps             servers on this machine that requests and answers
                    go through (none):
                    {"before": {"url": "http://127.0.0.1:9001"},
                     "after": {"url": "http://127.0.0.1:9002"}}`,
    z.string().optional(),
  ),
  'memory-budget': flag(
    'BYTES',
    `all loaded models together; the one used longest ago is given
up and loaded again when it is asked (no bound)`,
    count.optional(),
  ),
};

const PORTS = {
  host: flag('ADDRESS', 'what the ports listen on (0.0.0.0)', z.string().default('0.0.0.0')),
  'http-port': flag('N', 'HTTP/1.1, and gRPC on the same port (8080)', port.default(8080)),
  'grpc-port': flag('N', 'gRPC alone (9000)', port.default(9000)),
  'metrics-port': flag(
    'N',
    `Prometheus at /metrics, and /v2/health/live and /ready; always
plain HTTP, open to all who reach it (8002)`,
    port.default(8002),
  ),
  'admin-port': flag('N', 'load and unload models, on 127.0.0.1 alone (closed)', port.optional()),
  'cors-origins': flag(
    'LIST',
    `whose pages browsers may let ask: origins with commas between
them, or * (none)`,
    list,
  ),
  transport: flag(
    'own|node',
    `whose HTTP/2 gRPC is served with: our own, or that of
Node (own)`,
    z.enum(['own', 'node']).default('own'),
  ),
};

const LIMITS = {
  'max-connections': flag('N', 'of both data ports together; more are closed at once (10000)', count.default(10_000)),
  'max-connections-per-address': flag(
    'N',
    `from one address; raise it where a proxy stands before the
server, from which all come (1000)`,
    count.default(1000),
  ),
  'receive-seconds': flag(
    'N',
    `how long a request over HTTP/1.1 may take to arrive; of that,
its head 10 at most (30)`,
    z.coerce.number().min(1).max(3600).default(30),
  ),
};

const TLS = {
  'tls-cert-file': flag(
    'FILE',
    `PEM: the certificate of the data ports, and what leads from it\nto its authority (in the clear)`,
    file,
  ),
  'tls-key-file': flag('FILE', 'PEM: its key', file),
  'tls-client-ca-file': flag(
    'FILE',
    'PEM: only clients with a certificate of these authorities are\nlet in (all are)',
    file,
  ),
};

const isSafe = ({ protocol, hostname }: URL) =>
  protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));

const ACCESS = {
  'auth-token-file': flag(
    'FILE',
    'tokens, a line each, one of which a client has to send:\nauthorization: Bearer TOKEN (none is asked for)',
    file,
  ),
  'jwt-jwks-url': flag(
    'URL',
    `where the keys of an identity provider are, whose tokens (JWT)
are taken too; https, or http on this machine`,
    z
      .string()
      .refine((text) => URL.canParse(text) && isSafe(new URL(text)), 'must be an https:// address')
      .transform((text) => new URL(text))
      .optional(),
  ),
  'jwt-jwks-file': flag('FILE', 'the same keys in a file', file),
  'jwt-issuer': flag('NAME', 'the claim "iss" that a token must have', z.string().min(1).optional()),
  'jwt-audience': flag('NAME', 'one of the claim "aud" that a token must have', z.string().min(1).optional()),
  'allowed-client-names': flag(
    'LIST',
    `DNS names or URIs, one of which has to be in the certificate
of a client (all that --tls-client-ca-file lets in)`,
    list,
  ),
  'gateways-file': flag(
    'FILE',
    `JSON: by what the gateways of Slipway are known; then no others
may ask (they need not come from one)`,
    file,
  ),
};

const WATCHING = {
  revision: flag('NAME', 'told in the header x-slipway-revision of every answer', z.string().max(253).optional()),
  'access-log': flag(
    'off|errors|all',
    `a line of JSON a request, or a failed one, beside the log on
stdout; no headers, no payloads (off)`,
    z.enum(['off', 'errors', 'all']).default('off'),
  ),
  'access-log-payloads': flag(
    'RATE',
    `the part of all requests, 0 to 1, whose inputs and outputs are
written to a file; chosen by their ids (0)`,
    z.coerce.number().min(0).max(1).default(0),
  ),
  'access-log-payload-file': flag(
    'FILE',
    `where to: a line of JSON an inference; with 100 MiB it becomes
FILE.1, and another begins`,
    file,
  ),
  'access-log-payload-bytes': flag(
    'N',
    `of the values of all inputs of a line, and of all outputs, as
JSON; more are left out (16384)`,
    z.coerce.number().int().min(0).max(1_048_576).default(16_384),
  ),
  'log-level': flag(
    'LEVEL',
    'debug, info, warn, error (info)',
    z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  ),
};

const ENDING = {
  'drain-seconds': flag(
    'N',
    'after SIGTERM: not ready, but still answering, for this long (5)',
    z.coerce.number().min(0).max(3600).default(5),
  ),
};

/** In the order of the help. Files are read again when they change. */
export const TOPICS = {
  Models: MODELS,
  Ports: PORTS,
  Limits: LIMITS,
  'TLS of the data ports (files are read again when they change)': TLS,
  'Access to the data ports (files are read again when they change)': ACCESS,
  Watching: WATCHING,
  Ending: ENDING,
};

export const FLAGS = { ...MODELS, ...PORTS, ...LIMITS, ...TLS, ...ACCESS, ...WATCHING, ...ENDING };
export type Flags = typeof FLAGS;
