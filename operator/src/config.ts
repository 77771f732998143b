/** The one reader of command line and environment. */
import type { GatewayService, WorkloadConfig } from './deps.ts';
import { ConfigError, readCommandLine, readConfigFile, readEnvironment } from './config-sources.ts';
import type { Given } from './config-sources.ts';
import { flagOf, SETTINGS, Settings, variableOf } from './settings.ts';
import type { LogLevel } from './settings.ts';

export { ConfigError } from './config-sources.ts';

export interface OperatorConfig {
  readonly workloads: WorkloadConfig;
  readonly gateway: GatewayService;
  /** undefined: all of them. */
  readonly namespaces: readonly string[] | undefined;
  /** undefined: this process works without asking whether another does. */
  readonly lease: { readonly namespace: string; readonly name: string } | undefined;
  /** Name of the ValidatingAdmissionPolicy that checks who signs, and of its binding; undefined: there is none. */
  readonly signingPolicy: string | undefined;
  /** Whether HTTPRoutes and GRPCRoutes are written; the operator needs rights to them then. */
  readonly gatewayApi: boolean;
  /** Whether pods of services with `access` take requests from gateways alone. */
  readonly accessAtPods: boolean;
  /** Name of this replica in leases and Events: the pod's name. */
  readonly identity: string;
  readonly healthPort: number;
  readonly metricsPort: number;
  readonly logLevel: LogLevel;
  readonly logLevelPort: number;
}

export interface ConfigInput {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Names this replica where nothing else does. */
  readonly hostname: string;
}

/**
 * A flag goes before a variable, and a variable before the file that `--config` or SLIPWAY_CONFIG names.
 *
 * @returns `help` or `version` when the command line asks for that.
 * @throws ConfigError that lists everything that is wrong, where it was given, and what it must be.
 */
export function readConfig({ args, environment, hostname }: ConfigInput): OperatorConfig | 'help' | 'version' {
  const { settings: flags, config, asks } = readCommandLine(args);
  if (asks !== undefined) return asks;
  const file = config ?? environment['SLIPWAY_CONFIG'] ?? '';
  const given = new Map<string, Given>([
    ...(file === '' ? [] : readConfigFile(file)),
    ...readEnvironment(environment),
    ...flags,
  ]);
  const parsed = Settings.safeParse(Object.fromEntries([...given].map(([name, { value }]) => [name, value])));
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `  ${placeOf(String(path[0]), given)}: ${message}`);
    throw new ConfigError(`The operator cannot start with these settings:\n${lines.join('\n')}`);
  }
  return configOf(parsed.data, hostname);
}

function placeOf(name: string, given: ReadonlyMap<string, Given>): string {
  return given.get(name)?.place ?? `${flagOf(name)} or ${variableOf(name)}`;
}

function configOf(settings: Settings, hostname: string): OperatorConfig {
  const { servingRuntimeImage, batchRuntimeImage, imagePullPolicy, drainSeconds, podPaths, defaultAccess } = settings;
  const { namespaces, identity, signingPolicy, gatewayApi, gatewaySampling, accessAtPods } = settings;
  const { healthPort, metricsPort, logLevel, logLevelPort } = settings;
  const images = { servingRuntimeImage, batchRuntimeImage, imagePullPolicy };
  const keepsSamples = gatewaySampling === 'Enabled';
  return {
    workloads: { ...images, drainSeconds, podPaths, keepsSamples, defaultAccess },
    gateway: gatewayOf(settings),
    namespaces: namespaces.length === 0 ? undefined : namespaces,
    lease: leaseOf(settings),
    signingPolicy,
    gatewayApi: gatewayApi === 'Enabled',
    accessAtPods: accessAtPods === 'Enabled',
    identity: identity ?? hostname,
    healthPort,
    metricsPort,
    logLevel,
    logLevelPort,
  };
}

function gatewayOf(settings: Settings): GatewayService {
  const { gatewayService, gatewayNamespace, gatewayAdminPort, gatewayTokenFile, leaseNamespace } = settings;
  const namespace = gatewayNamespace ?? leaseNamespace ?? 'slipway-system';
  return { namespace, service: gatewayService, adminPort: gatewayAdminPort, tokenFile: gatewayTokenFile };
}

function leaseOf({ leaderElection, leaseNamespace, leaseName }: Settings): OperatorConfig['lease'] {
  if (leaderElection === 'Disabled') return undefined;
  if (leaseNamespace === undefined) {
    throw new ConfigError(
      'Set --lease-namespace or SLIPWAY_LEASE_NAMESPACE to the namespace of the lease, or --leader-election Disabled where only one operator runs.',
    );
  }
  return { namespace: leaseNamespace, name: leaseName };
}

const HELP_COLUMN = 40;

export const USAGE = `usage: node operator/src/main.ts [--config FILE] [FLAG …]

Runs Slipway's controllers: in a cluster with the pod's service account, elsewhere with $KUBECONFIG.

Each setting is a flag, a variable (--log-level: SLIPWAY_LOG_LEVEL) or a key of a YAML file (logLevel); the first of
these that says something holds. In brackets: what holds without any.

${Object.entries(SETTINGS)
  .map(([name, { value, help }]) => `${`  ${flagOf(name)} ${value}`.padEnd(HELP_COLUMN)}${help}\n`)
  .join('')}
${'  --config FILE'.padEnd(HELP_COLUMN)}settings as YAML; SLIPWAY_CONFIG names it, too
${'  --help, --version'.padEnd(HELP_COLUMN)}say this, or the version
`;
