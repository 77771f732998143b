/** The base demo: from tables to predictions, then another version under traffic. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forwardService } from '../cluster/index.ts';
import { createGrpcClient, createRestClient } from './clients.ts';
import type { ServiceAddress } from './clients.ts';
import type { SlipwayCluster } from '../slipway/slipway-cluster.ts';
import { putTablesOnVolume, readFromVolume } from './flights-data.ts';
import { condition, watchUntil } from './live-view.ts';
import type { SlipwayObject } from './live-view.ts';
import { compareAnswers, showAnswers } from './samples.ts';
import type { Sample } from './samples.ts';
import { scaleToZero } from './scale-to-zero.ts';
import { setUp } from '../slipway/set-up.ts';
import { say, stage, stageTable } from '../slipway/stages.ts';
import { startTraffic } from './traffic.ts';
import type { TrafficReport } from './traffic.ts';
import { createWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

/** Names of the demo's cluster, and of the namespace in it. */
export const CLUSTER = 'slipway';
export const NAMESPACE = 'flights';

const SERVICE = 'flights';
const TRAINING_TIMEOUT_MS = 20 * 60_000;
const SERVING_TIMEOUT_MS = 5 * 60_000;
/** Old pods go some seconds after the switch; a client must not notice that either. */
const AFTER_SWITCH_MS = 15_000;
const GOOD_AUC = 0.7;

/** @returns the cluster, in which everything goes on. */
export async function runFlightsDemo(): Promise<SlipwayCluster> {
  const { cluster, trainerImage } = await setUp({ name: CLUSTER, namespace: NAMESPACE });
  const workspace = createWorkspace();
  workspace.edit('training-job.yaml', ['image: slipway/flights-trainer:0.1.0', `image: ${trainerImage}`]);
  workspace.commit('The trainer by digest: the same run is never done twice');

  await stage('Tables onto a volume', () => putTablesOnVolume(cluster, workspace));
  const first = await stage('Features, a dataset, and a model trained by two pods', () => train(cluster, workspace));
  await stage(`Serving ${first.version}`, () => serve(cluster, workspace, first.version));
  const forward = await forwardService(cluster.name, { namespace: cluster.namespace, service: SERVICE, port: 80 });
  const address = { port: forward.port, host: `${SERVICE}.${cluster.namespace}.svc` };
  try {
    const samples = await readSamples(cluster, first.output);
    await stage('Asking about real flights', () => ask(address, samples, first));
    const second = await stage('Another parameter', () => retrain(cluster, workspace));
    await stage('Changing the version while a client keeps asking', () =>
      changeUnderTraffic({ cluster, workspace, address, from: first.version, to: second.version }, samples),
    );
    await stage('No pods while nobody asks', () =>
      scaleToZero({ cluster, workspace, address, service: SERVICE }, samples),
    );
  } finally {
    forward.close();
  }
  console.log(closingWords(cluster));
  return cluster;
}

interface Trained {
  readonly version: string;
  /** Folder on the volume. */
  readonly output: string;
  readonly metrics: ReadonlyMap<string, number>;
}

interface ModelVersion {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly lineage: { readonly attempt: number };
    readonly metrics: readonly { readonly name: string; readonly value: number }[];
  };
}

async function train(cluster: SlipwayCluster, workspace: Workspace): Promise<Trained> {
  await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-k', workspace.folder]);
  const job = await watchUntil(cluster, finishedTraining, TRAINING_TIMEOUT_MS);
  const { output } = (job.status ?? {}) as { output?: { modelVersion?: string } };
  const version = output?.modelVersion ?? '';
  // The version, and not the TrainingJob: when the demo runs again, the run was done before and starts nothing.
  const { metadata, spec } = await cluster.json<ModelVersion>(['get', 'modelversion', version]);
  return {
    version,
    output: `runs/${metadata.labels['slipway.dev/producer-uid']}/${spec.lineage.attempt}`,
    metrics: new Map(spec.metrics.map(({ name, value }) => [name, value])),
  };
}

function finishedTraining(objects: readonly SlipwayObject[]): SlipwayObject | undefined {
  const job = objects.find(({ kind }) => kind === 'TrainingJob');
  return condition(job, 'Succeeded')?.status === 'True' ? job : undefined;
}

async function serve(cluster: SlipwayCluster, { folder, edit }: Workspace, version: string): Promise<void> {
  const file = join('serve', 'inference-service.yaml');
  edit(file, ['name: flights-delay-1-000000', `name: ${version}`]);
  await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(folder, file)]);
  await watchUntil(cluster, (objects) => servedVersion(objects, version), SERVING_TIMEOUT_MS);
}

function servedVersion(objects: readonly SlipwayObject[], version: string): SlipwayObject | undefined {
  const service = objects.find(({ kind, metadata }) => kind === 'InferenceService' && metadata.name === SERVICE);
  const { stable } = (service?.status ?? {}) as { stable?: { modelVersion: string } };
  return condition(service, 'UpToDate')?.status === 'True' && stable?.modelVersion === version ? service : undefined;
}

async function readSamples(cluster: SlipwayCluster, output: string): Promise<Sample[]> {
  // The output of rank 0, the one that counts.
  const text = await readFromVolume(cluster, `${output}/0/samples.json`);
  return (JSON.parse(text) as { samples: Sample[] }).samples;
}

async function ask(address: ServiceAddress, samples: readonly Sample[], { metrics, version }: Trained): Promise<void> {
  const rest = createRestClient(address, SERVICE);
  const grpc = createGrpcClient(address, SERVICE);
  try {
    await showAnswers(
      rest,
      'REST',
      [0, 250, 500].flatMap((index) => samples[index] ?? []),
    );
    await showAnswers(
      grpc,
      'gRPC',
      [125, 375, 750].flatMap((index) => samples[index] ?? []),
    );
    const difference = await compareAnswers(rest, samples);
    say('');
    say(`${samples.length} served answers equal the trainer's own: largest difference ${difference.toExponential(1)}`);
  } finally {
    rest.close();
    grpc.close();
  }
  const [auc = 0, without = 0] = ['validation.auc', 'validation.auc_without_joined_features'].map((name) =>
    metrics.get(name),
  );
  say(`validation AUC of ${version}: ${auc.toFixed(3)}; without weather and carrier history: ${without.toFixed(3)}`);
  if (auc < GOOD_AUC) throw new Error(`the AUC is below ${GOOD_AUC}, which these features should give`);
}

async function retrain(cluster: SlipwayCluster, workspace: Workspace): Promise<Trained> {
  workspace.commit('Serve the first version');
  workspace.edit('training-job.yaml', ['depth: 6', 'depth: 4']);
  console.log(workspace.diff().replaceAll(/^/gm, '  '));
  return train(cluster, workspace);
}

interface Change {
  readonly cluster: SlipwayCluster;
  readonly workspace: Workspace;
  readonly address: ServiceAddress;
  readonly from: string;
  readonly to: string;
}

async function changeUnderTraffic(
  { cluster, workspace, address, from, to }: Change,
  samples: readonly Sample[],
): Promise<void> {
  const client = createRestClient(address, SERVICE);
  const traffic = startTraffic(
    client,
    samples.map((sample) => sample.x),
  );
  let report: TrafficReport;
  try {
    const file = join('serve', 'inference-service.yaml');
    workspace.edit(file, [`name: ${from}`, `name: ${to}`]);
    await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(workspace.folder, file)]);
    await watchUntil(cluster, (objects) => servedVersion(objects, to), SERVING_TIMEOUT_MS);
    await sleep(AFTER_SWITCH_MS);
  } finally {
    report = await traffic.stop();
    client.close();
  }
  say(`requests sent: ${report.sent}, failed: ${report.failures.length}`);
  for (const { version: number, answers, first, last } of report.versions) {
    say(`model_version ${number} gave ${answers} answers, from second ${first.toFixed(1)} to ${last.toFixed(1)}`);
  }
  if (report.failures.length > 0) throw new Error(`requests failed, the first with: ${report.failures[0]}`);
}

function closingWords({ kubeconfig, namespace, programs }: SlipwayCluster): string {
  return `
How long it took:
${stageTable()}

Try next (paste as they are):
  export KUBECONFIG=${kubeconfig}
  alias kubectl=${programs.kubectl}
  kubectl -n ${namespace} get slipway
  kubectl -n ${namespace} describe trainingjob flights-xgb
  kubectl -n ${namespace} get modelversions -o wide
  kubectl -n ${namespace} get events --field-selector reason=Scaled
  npm run cluster -- forward ${namespace}/${SERVICE}:80 8080     # then: curl ${SERVICE}.${namespace}.localhost:8080/v2/models/${SERVICE}

The YAML of all this, for your own: examples/flights. What the demo applied: its copy in the Git repository that it made.
Take it all down: npm run demo -- down
`;
}
