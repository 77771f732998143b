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
const count = z.coerce.number().int().min(1);
const seconds = z.coerce.number().min(0).max(3600);

const PORTS = {
  host: flag('ADDRESS', 'what the ports listen on (0.0.0.0)', z.string().default('0.0.0.0')),
  port: flag('N', 'HTTP/1.1, HTTP/2, gRPC and WebSocket (8080)', port.default(8080)),
  'admin-port': flag(
    'N',
    '/healthz, /readyz, /metrics, and /routes: which\nsequence of each route is applied (8002)',
    port.default(8002),
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
export const TOPICS = { Ports: PORTS, Routes: ROUTES, Limits: LIMITS, Watching: WATCHING, Ending: ENDING };

export const FLAGS = { ...PORTS, ...ROUTES, ...LIMITS, ...WATCHING, ...ENDING };
export type Flags = typeof FLAGS;
