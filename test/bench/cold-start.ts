/**
 * From a request that finds no pod to its answer, stage by stage: `npm run bench -- cold-start`. In a cluster of its own, with the images on its
 * node.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtin, createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient, Pod } from '@slipway/kube';
import { Registry } from 'prom-client';
import { clusterDown, forwardService } from '../../hack/cluster/index.ts';
import { setUp } from '../../hack/slipway/set-up.ts';
import { silent } from '../apiserver/operator/harness.ts';
import { askTogether } from '../cluster/open-loop.ts';
import { median } from './serving/row.ts';

const NAME = 'bench-cold-start';
const NAMESPACE = 'team';
const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'serve-onnx');
const SERVICE = 'inferenceservices.slipway.dev/fare';
const SELECTOR = { namespace: NAMESPACE, labelSelector: 'slipway.dev/inferenceservice=fare' };
const SCALING = { min: 0, max: 1, target: { concurrency: 100 }, idleAfter: '10s' };
const ROUNDS = 5;
const LOOK_EVERY_MS = 10;
const TIMEOUT_MS = 120_000;

/** In the order in which they come; each ends when this is so of the pod. */
const STAGES: readonly (readonly [name: string, hasEnded: (pod: Pod) => boolean])[] = [
  ['the operator hears of it, and there is a pod', () => true],
  ['scheduled', ({ spec }) => spec?.nodeName !== undefined],
  [
    'the container that fetches has started',
    ({ status }) =>
      status?.initContainerStatuses?.[0]?.state?.waiting === undefined && status?.initContainerStatuses !== undefined,
  ],
  [
    'the model is fetched and verified',
    ({ status }) => status?.initContainerStatuses?.[0]?.state?.terminated !== undefined,
  ],
  ['the model server has started', ({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined],
  [
    'it has loaded the model, is warm and ready',
    ({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
  ],
];

export async function benchColdStart(): Promise<void> {
  await clusterDown(NAME);
  const { cluster } = await setUp({ name: NAME, namespace: NAMESPACE });
  const kubeConfig = loadKubeConfig(cluster.kubeconfig);
  const client = createKubeClient({
    kubeConfig,
    userAgent: 'bench',
    registry: new Registry(),
    clock: realClock,
    log: silent,
  });
  try {
    await cluster.kubectl(['apply', '-f', EXAMPLE]);
    await cluster.kubectl(['wait', '--for=condition=Ready', SERVICE, '--timeout=3m']);
    await cluster.kubectl([
      'patch',
      SERVICE,
      '--type=merge',
      `--patch=${JSON.stringify({ spec: { scaling: SCALING } })}`,
    ]);
    const { port, close } = await forwardService(NAME, { namespace: NAMESPACE, service: 'fare', port: 80 });
    const rounds: (readonly number[])[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await coldStart(client, port));
    close();
    print(rounds);
  } finally {
    await client.close();
    await clusterDown(NAME);
  }
}

/** When each stage had ended, and the answer came, in milliseconds after the request. */
async function coldStart(client: KubeClient, port: number): Promise<readonly number[]> {
  while ((await client.list(builtin.Pod, SELECTOR)).items.length > 0) await sleep(200);
  await sleep(1000);
  const askedAt = performance.now();
  let isAnswered = false;
  const answer = askTogether({ port, host: `fare.${NAMESPACE}.svc`, model: 'fare' }, 1, TIMEOUT_MS).then((result) => {
    isAnswered = true;
    if (result.failures.length > 0) throw new Error(`the request failed: ${result.failures[0]}`);
    return result.seconds * 1000;
  });
  const ended: number[] = [];
  while (!isAnswered) {
    const [pod] = (await client.list(builtin.Pod, SELECTOR)).items;
    const now = performance.now() - askedAt;
    if (pod !== undefined) while (STAGES[ended.length]?.[1](pod) === true) ended.push(now);
    await sleep(LOOK_EVERY_MS);
  }
  const answeredAt = await answer;
  // The last look may be from before the answer.
  return [...STAGES.map((_, index) => ended[index] ?? answeredAt), answeredAt];
}

function print(rounds: readonly (readonly number[])[]): void {
  console.log('| stage | seconds | since the request |');
  console.log('|---|---|---|');
  const names = [...STAGES.map(([name]) => name), 'the answer is there'];
  for (const [index, name] of names.entries()) {
    const took = median(rounds.map((round) => (round[index] ?? 0) - (round[index - 1] ?? 0)));
    const since = median(rounds.map((round) => round[index] ?? 0));
    console.log(`| ${name} | ${(took / 1000).toFixed(2)} | ${(since / 1000).toFixed(2)} |`);
  }
}
