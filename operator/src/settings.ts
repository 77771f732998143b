/** Every setting once: what it is worth, and what the help says of it. Flag, variable and key of the file follow from its name. */
import { z } from 'zod';
import { POD_PATHS, USUAL_POD_PATHS } from './pod-paths.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface Setting<Schema extends z.ZodType> {
  /** What follows the flag, in the help. */
  readonly value: string;
  readonly help: string;
  readonly schema: Schema;
}

function define<Schema extends z.ZodType>(value: string, help: string, schema: Schema): Setting<Schema> {
  return { value, help, schema };
}

const SECONDS = 'must be seconds, 0 to 3600';
const image = z.string({ error: 'must be set to the reference of a container image' }).min(1).max(512);
const PORT = 'must be the number of a port, 0 to 65535';
// 0 lets the machine choose, for tests.
const port = z.coerce.number(PORT).int(PORT).min(0, PORT).max(65_535, PORT);
const name = z.string().min(1).max(253);
const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be the name of a namespace');
const list = z
  .union([z.string(), z.array(z.string())], { error: 'must be names, as a list or with commas between them' })
  .transform((given) => (typeof given === 'string' ? given.split(',') : given))
  .transform((parts) => parts.map((part) => part.trim()).filter((part) => part !== ''));
const names = list.default([]).pipe(z.array(namespace));
/** An empty variable counts as absent, so that nothing at all needs a word. */
const podPaths = list
  .transform((parts) => (parts.length === 1 && parts[0] === 'None' ? [] : parts))
  .pipe(z.array(z.enum(POD_PATHS, { error: ({ input }) => podPathProblem(input) })))
  .default([...USUAL_POD_PATHS]);

function podPathProblem(given: unknown): string {
  return `"${String(given)}" is no path that can be allowed; there are ${POD_PATHS.join(', ')}, or None alone`;
}

function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}

/** In the order of the help. */
export const SETTINGS = {
  servingRuntimeImage: define('IMAGE', 'image of model servers (required)', image),
  batchRuntimeImage: define('IMAGE', 'image of Jobs (required)', image),
  imagePullPolicy: define(
    'POLICY',
    'of both: Always, IfNotPresent, Never (IfNotPresent)',
    oneOf(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  ),
  namespaces: define('LIST', 'look into these only; commas between them (all)', names),
  leaderElection: define(
    'Enabled|Disabled',
    'several replicas, of which one works (Enabled)',
    oneOf(['Enabled', 'Disabled']).default('Enabled'),
  ),
  leaseNamespace: define('NAME', 'where the lease is; required with leader election', namespace.optional()),
  leaseName: define('NAME', 'its name (slipway-operator)', name.default('slipway-operator')),
  signingPolicy: define(
    'NAME',
    'policy that checks who signs aliases and approvals (none: all are Unverified)',
    name.optional(),
  ),
  gatewayApi: define(
    'Enabled|Disabled',
    'write routes for services with expose.by: GatewayApi (Disabled)',
    oneOf(['Enabled', 'Disabled']).default('Disabled'),
  ),
  gatewaySampling: define(
    'Enabled|Disabled',
    'the gateways keep the samples that services ask for (Disabled)',
    oneOf(['Enabled', 'Disabled']).default('Disabled'),
  ),
  podPaths: define('LIST', 'what services may set in spec.pod, or None (what docs/runtimes.md has as usual)', podPaths),
  identity: define('NAME', "of this replica in leases and Events (the host's name)", name.optional()),
  healthPort: define('N', '/healthz and /readyz (8081)', port.default(8081)),
  metricsPort: define('N', '/metrics for Prometheus (8080)', port.default(8080)),
  logLevel: define('LEVEL', `${LOG_LEVELS.join(', ')} (info)`, oneOf(LOG_LEVELS).default('info')),
  logLevelPort: define(
    'N',
    'GET and PUT /log-level change it at run time, on 127.0.0.1 alone (8082)',
    port.default(8082),
  ),
  gatewayService: define(
    'NAME',
    'the Service that selects the gateways (slipway-gateway)',
    name.default('slipway-gateway'),
  ),
  gatewayNamespace: define('NAME', "where it is (the lease's; slipway-system without one)", namespace.optional()),
  gatewayAdminPort: define('N', "the gateways' port for /stream (8002)", port.default(8002)),
  gatewayTokenFile: define(
    'FILE',
    'a token for them, read anew for each connection (none is sent)',
    z.string().min(1).optional(),
  ),
  defaultAccess: define(
    'Anyone|OwnNamespace',
    'who may ask services without access (Anyone)',
    oneOf(['Anyone', 'OwnNamespace']).default('Anyone'),
  ),
  accessAtPods: define(
    'Enabled|Disabled',
    'pods of services with access take requests from gateways alone (Disabled)',
    oneOf(['Enabled', 'Disabled']).default('Disabled'),
  ),
  drainSeconds: define(
    'N',
    'how long an old revision keeps its pods after it lost the traffic (10)',
    z.coerce.number(SECONDS).min(0, SECONDS).max(3600, SECONDS).default(10),
  ),
};

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

type Schemas = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]['schema'] };

export const Settings = z.object(
  Object.fromEntries(Object.entries(SETTINGS).map(([key, { schema }]) => [key, schema])) as Schemas,
);
export type Settings = z.infer<typeof Settings>;

/** `logLevel` is `--log-level` … */
export function flagOf(setting: string): string {
  return `--${kebab(setting)}`;
}

/** … and SLIPWAY_LOG_LEVEL. */
export function variableOf(setting: string): string {
  return `SLIPWAY_${kebab(setting).replaceAll('-', '_').toUpperCase()}`;
}

function kebab(camel: string): string {
  return camel.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
