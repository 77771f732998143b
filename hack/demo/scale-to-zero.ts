/** A service that has no pods while nobody asks: it loses them, and is asked again. */
import { join } from 'node:path';
import type { SlipwayCluster } from '../slipway/slipway-cluster.ts';
import { say } from '../slipway/stages.ts';
import { createRestClient } from './clients.ts';
import type { ServiceAddress } from './clients.ts';
import { condition, watchUntil } from './live-view.ts';
import { showAnswers } from './samples.ts';
import type { Sample } from './samples.ts';
import type { Workspace } from './workspace.ts';

export interface Idle {
  readonly cluster: SlipwayCluster;
  readonly workspace: Workspace;
  readonly address: ServiceAddress;
  readonly service: string;
}

const FILE = join('serve', 'inference-service.yaml');
/** Short, so that one can watch it. */
const SCALING = '  scaling: { min: 0, max: 3, target: { concurrency: 8 }, idleAfter: 10s }\n';
const TIMEOUT_MS = 3 * 60_000;

export async function scaleToZero(
  { cluster, workspace, address, service }: Idle,
  samples: readonly Sample[],
): Promise<void> {
  workspace.commit('Serve the second version');
  workspace.edit(FILE, ['  resources:\n', `${SCALING}  resources:\n`]);
  console.log(workspace.diff().replaceAll(/^/gm, '  '));
  await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(workspace.folder, FILE)]);
  await watchUntil(
    cluster,
    (objects) => {
      const found = objects.find(({ kind, metadata }) => kind === 'InferenceService' && metadata.name === service);
      return condition(found, 'Ready')?.reason === 'ScaledToZero' ? found : undefined;
    },
    TIMEOUT_MS,
  );
  // The last one still answers while it ends.
  const pods = ['pod', '-l', `slipway.dev/inferenceservice=${service}`];
  await cluster.kubectl(['wait', '--for=delete', ...pods, '--timeout=1m']);
  say('it has no pods now; the next request waits at a gateway until there is one:');
  const client = createRestClient(address, service);
  const askedAt = performance.now();
  try {
    await showAnswers(client, 'REST', samples.slice(0, 1));
  } finally {
    client.close();
  }
  const seconds = (performance.now() - askedAt) / 1000;
  say(`answered after ${seconds.toFixed(1)} s: a pod was made, fetched the model, loaded it and warmed it up`);
}
