/** The container of a model server of other people. It gets what it has to know as variables, which Kubernetes puts into its arguments. */
import { quantities, TMP_MOUNT } from '../../jobs/build-batch-job.ts';
import type { Container } from '../../jobs/pod-security.ts';
import { secondsOf } from '../../go-duration.ts';
import type { ForeignRuntime } from './find-runtime.ts';
import { mergedEnvironment, modelFolder, SERVER } from './pod-input.ts';
import type { RevisionInput } from './pod-input.ts';

interface ForeignInput extends RevisionInput {
  readonly runtime: ForeignRuntime;
}

const STARTUP_PERIOD_SECONDS = 2;

export function foreignServer(input: ForeignInput): Container {
  const { runtime, facts } = input;
  const { ports, model, probes } = runtime;
  const isFolder = model.layout === 'Folder';
  const subPath = isFolder ? { subPath: modelFolder(input) } : {};
  const startupTries = Math.max(1, Math.ceil(secondsOf(probes.startup) / STARTUP_PERIOD_SECONDS));
  const ask = (path: string) => ({ httpGet: { path, port: ports.http, scheme: 'HTTP' }, timeoutSeconds: 2 });
  return {
    name: SERVER,
    image: runtime.image,
    ...(runtime.command === undefined ? {} : { command: [...runtime.command] }),
    ...(runtime.args === undefined ? {} : { args: [...runtime.args] }),
    env: [...ownVariables(input), ...mergedEnvironment(runtime.env ?? [], facts.env ?? [])],
    ports: (['http', 'grpc', 'metrics'] as const).flatMap((name) => {
      const containerPort = ports[name];
      return containerPort === undefined ? [] : [{ name, containerPort, protocol: 'TCP' }];
    }),
    resources: quantities(facts.resources ?? runtime.resources ?? {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      ...(runtime.runAsUser === undefined ? {} : { runAsNonRoot: true, runAsUser: runtime.runAsUser }),
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: 'models', mountPath: model.mountPath, readOnly: true, ...subPath }, TMP_MOUNT],
    startupProbe: {
      ...ask(probes.live),
      periodSeconds: STARTUP_PERIOD_SECONDS,
      failureThreshold: startupTries,
    },
    readinessProbe: { ...ask(probes.ready), periodSeconds: 1, failureThreshold: 3 },
    livenessProbe: { ...ask(probes.live), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

/** First, so that the variables of the runtime may refer to them. */
function ownVariables(input: ForeignInput): { name: string; value: string }[] {
  const { service, facts, runtime } = input;
  const { mountPath, layout } = runtime.model;
  const { http, grpc, metrics } = runtime.ports;
  const folder = layout === 'Folder' ? mountPath : `${mountPath.replace(/\/+$/, '')}/${modelFolder(input)}`;
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ['SLIPWAY_MODEL_NAME', service],
    ['SLIPWAY_MODEL_VERSION', facts.number],
    ['SLIPWAY_MODEL_DIR', folder],
    ['SLIPWAY_MODEL_REPOSITORY', mountPath],
    ['SLIPWAY_HTTP_PORT', http],
    ['SLIPWAY_GRPC_PORT', grpc],
    ['SLIPWAY_METRICS_PORT', metrics],
  ];
  return values.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}
