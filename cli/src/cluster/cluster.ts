import { createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient, KubeConfig, Logger } from '@slipway/kube';
import { Registry } from 'prom-client';
import { didYouMean } from '../did-you-mean.ts';
import { CliError, UsageError } from '../errors.ts';
import { createApiServer } from './api-server.ts';
import type { ApiServer } from './api-server.ts';

/** A cluster as one context of a kubeconfig names it. */
export interface Cluster {
  readonly client: KubeClient;
  readonly api: ApiServer;
  /** The name that the kubeconfig gives to the cluster. */
  readonly name: string;
  readonly context: string;
  /** Address of the API server. */
  readonly server: string;
  /** Where a command looks when it is not told. */
  readonly namespace: string;
}

export interface ClusterOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** Reads the kubeconfig; nothing is sent yet. */
export function connect({ kubeconfig, context, namespace }: ClusterOptions): Cluster {
  const read = () => {
    const config = readKubeConfig(kubeconfig);
    if (context !== undefined) selectContext(config, context);
    return config;
  };
  const config = read();
  const current = config.getCurrentContext();
  const { name, server, skipTLSVerify } = clusterOf(config);
  refuseInsecure(server, skipTLSVerify ?? false, current);
  return {
    client: createKubeClient({
      kubeConfig: config,
      userAgent: 'slipway-cli',
      registry: new Registry(),
      clock: realClock,
      log: silent,
    }),
    // A config has one agent for all who use it, and this one's is to be another.
    api: createApiServer(read()),
    name,
    context: current,
    server,
    namespace: checkNamespace(namespace ?? config.getContextObject(current)?.namespace ?? 'default'),
  };
}

function checkNamespace(name: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`"${name}" cannot be a namespace.`, 'Names of namespaces are a-z, 0-9 and "-", at most 63.');
}

function clusterOf(config: KubeConfig): NonNullable<ReturnType<KubeConfig['getCurrentCluster']>> {
  const cluster = config.getCurrentCluster();
  if (cluster !== null) return cluster;
  throw new CliError(
    `The context "${config.getCurrentContext()}" names a cluster that the kubeconfig does not have.`,
    'kubectl config view shows what is there.',
  );
}

function readKubeConfig(path: string | undefined): KubeConfig {
  try {
    return loadKubeConfig(path);
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT' ? `There is no kubeconfig ${path ?? ''}.` : `The kubeconfig cannot be used: ${message}`;
    throw new CliError(
      what,
      'Name one with --kubeconfig FILE or $KUBECONFIG; kubectl config view shows what is there.',
      {
        cause,
      },
    );
  }
}

/** client-node sends credentials over plain HTTP only where it is told to; without any kubeconfig it makes up an address of that kind. */
function refuseInsecure(server: string, skipTlsVerify: boolean, context: string): void {
  if (!server.startsWith('http:') || skipTlsVerify) return;
  if (context === 'loaded-context') {
    throw new CliError(
      'There is no kubeconfig, so there is no cluster to ask.',
      'Name one with --kubeconfig FILE or $KUBECONFIG.',
    );
  }
  throw new CliError(
    `The API server of context "${context}" is reached by plain HTTP (${server}), which would show your credentials.`,
    'Give it an https:// address, or set insecure-skip-tls-verify for that cluster in the kubeconfig.',
  );
}

function selectContext(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    const meant = didYouMean(context, names);
    const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
    throw new UsageError(`The kubeconfig has no context "${context}".${suggestion}`, `It has: ${names.join(', ')}`);
  }
  config.setCurrentContext(context);
}
