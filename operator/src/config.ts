/** The one reader of the environment. */
import { z } from 'zod';
import type { WorkloadConfig } from './deps.ts';

export interface OperatorConfig {
  readonly workloads: WorkloadConfig;
  /** undefined: all of them. */
  readonly namespaces: readonly string[] | undefined;
  /** undefined: this process works without asking whether another does. */
  readonly lease: { readonly namespace: string; readonly name: string } | undefined;
  /** Name of this replica in leases and Events: the pod's name. */
  readonly identity: string;
  readonly healthPort: number;
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  readonly logLevelPort: number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const USAGE = `usage: node operator/src/main.ts

Runs Slipway's controllers: in a cluster with the pod's service account, elsewhere with $KUBECONFIG. Set by the environment:

  SLIPWAY_SERVING_RUNTIME_IMAGE   image of model servers (required)
  SLIPWAY_BATCH_RUNTIME_IMAGE     image of Jobs (required)
  SLIPWAY_IMAGE_PULL_POLICY       of both: Always, IfNotPresent, Never (IfNotPresent)
  SLIPWAY_NAMESPACES              names with commas between them: look into these only (all)
  SLIPWAY_LEADER_ELECTION         Enabled or Disabled (Enabled)
  SLIPWAY_LEASE_NAMESPACE         where the lease is; required with leader election
  SLIPWAY_LEASE_NAME              its name (slipway-operator)
  SLIPWAY_IDENTITY                name of this replica in leases and Events (the host's name)
  SLIPWAY_HEALTH_PORT             /healthz and /readyz (8081)
  SLIPWAY_METRICS_PORT            /metrics for Prometheus (8080)
  SLIPWAY_LOG_LEVEL               trace, debug, info, warn, error (info)
  SLIPWAY_LOG_LEVEL_PORT          GET and PUT /log-level change it at run time; on 127.0.0.1 alone (8082)
  SLIPWAY_DRAIN_SECONDS           how long an old revision keeps its pods after it lost the traffic (10)
`;

const image = z.string({ error: 'must be set to the reference of a container image' }).min(1).max(512);
// 0 lets the machine choose, for tests.
const port = z.coerce.number().int().min(0).max(65_535);
const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be the name of a namespace');

const Environment = z.object({
  SLIPWAY_SERVING_RUNTIME_IMAGE: image,
  SLIPWAY_BATCH_RUNTIME_IMAGE: image,
  SLIPWAY_IMAGE_PULL_POLICY: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  SLIPWAY_NAMESPACES: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((part) => part.trim()))
    .transform((names) => names.filter((name) => name !== ''))
    .pipe(z.array(namespace)),
  SLIPWAY_LEADER_ELECTION: z.enum(['Enabled', 'Disabled']).default('Enabled'),
  SLIPWAY_LEASE_NAMESPACE: namespace.optional(),
  SLIPWAY_LEASE_NAME: z.string().min(1).max(253).default('slipway-operator'),
  SLIPWAY_IDENTITY: z.string().min(1).max(253).optional(),
  SLIPWAY_HEALTH_PORT: port.default(8081),
  SLIPWAY_METRICS_PORT: port.default(8080),
  SLIPWAY_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  SLIPWAY_LOG_LEVEL_PORT: port.default(8082),
  SLIPWAY_DRAIN_SECONDS: z.coerce.number().min(0).max(3600).default(10),
});

export const VARIABLES: readonly string[] = Object.keys(Environment.shape);

/** A setting is missing or wrong; the message names every one. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads SLIPWAY_* variables; an empty one counts as absent. `hostname` names this replica where SLIPWAY_IDENTITY does not.
 *
 * @throws ConfigError that lists every wrong variable with what it must be.
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  hostname: string,
): OperatorConfig {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new ConfigError(`The operator cannot start with these environment variables:\n${lines.join('\n')}`);
  }
  const { data } = parsed;
  return {
    workloads: {
      servingRuntimeImage: data.SLIPWAY_SERVING_RUNTIME_IMAGE,
      batchRuntimeImage: data.SLIPWAY_BATCH_RUNTIME_IMAGE,
      imagePullPolicy: data.SLIPWAY_IMAGE_PULL_POLICY,
      drainSeconds: data.SLIPWAY_DRAIN_SECONDS,
    },
    namespaces: data.SLIPWAY_NAMESPACES.length === 0 ? undefined : data.SLIPWAY_NAMESPACES,
    lease: leaseOf(data),
    identity: data.SLIPWAY_IDENTITY ?? hostname,
    healthPort: data.SLIPWAY_HEALTH_PORT,
    metricsPort: data.SLIPWAY_METRICS_PORT,
    logLevel: data.SLIPWAY_LOG_LEVEL,
    logLevelPort: data.SLIPWAY_LOG_LEVEL_PORT,
  };
}

function leaseOf(data: z.infer<typeof Environment>): OperatorConfig['lease'] {
  if (data.SLIPWAY_LEADER_ELECTION === 'Disabled') return undefined;
  if (data.SLIPWAY_LEASE_NAMESPACE === undefined) {
    throw new ConfigError(
      'Set SLIPWAY_LEASE_NAMESPACE to the namespace of the lease, or SLIPWAY_LEADER_ELECTION=Disabled where only one operator runs.',
    );
  }
  return { namespace: data.SLIPWAY_LEASE_NAMESPACE, name: data.SLIPWAY_LEASE_NAME };
}
