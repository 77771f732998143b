/**
 * Pods that take requests from gateways alone: the API server makes the tokens, a gateway shows them, and pods of a played node check
 * them as our model server does, by the ConfigMap that the operator writes.
 */
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY_TOKEN_HEADER } from '@slipway/crds/known-gateways';
import type { InferenceService } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { ConfigMap, DeepReadonly, Pod } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { createGatewayCheck } from '../../../serving-runtime/src/server/access/gateway-check.ts';
import { answeringPodsObstacle, createAnsweringPods } from './answering-pods.ts';
import type { AnsweringPods } from './answering-pods.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const obstacle = answeringPodsObstacle();
const KEY = { namespace: 'team', name: 'flights' };
let pods: AnsweringPods;
let harness: Harness;

/** As a pod of our model server does it, with the file that Kubernetes would mount. */
async function statusOf({ spec }: DeepReadonly<Pod>, token: string | undefined): Promise<number> {
  if (spec?.containers[0]?.args?.some((arg) => arg.startsWith('--gateways-file=')) !== true) return 200;
  const name = spec.volumes?.find((volume) => volume.name === 'slipway-gateways')?.configMap?.name ?? '';
  const { data } = await harness.client.get<ConfigMap>(builtin.ConfigMap, { namespace: 'team', name });
  await createGatewayCheck(Buffer.from(data?.['gateways.json'] ?? '')).check(token);
  return 200;
}

beforeAll(async () => {
  if (obstacle !== undefined) return;
  pods = createAnsweringPods((pod, { headers }) =>
    statusOf(pod, headers[GATEWAY_TOKEN_HEADER] as string | undefined).catch(() => 401),
  );
  harness = await startHarness(pods.script, { accessAtPods: true });
  pods.follow(harness.client);
  const account = (name: string, namespace: string) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace },
  });
  await harness.apply(
    namespaceNamed('team'),
    account('slipway-gateway', 'default'),
    account('checkout', 'team'),
    claim('team'),
    store('team'),
    modelVersion('team', 'delay-1'),
    inferenceService('team', 'delay-1', { access: { from: [{ namespace: { name: 'team' } }] } }),
  );
});
afterAll(async () => {
  await harness?.stop();
  pods?.stop();
});

const newToken = async (name: string, namespace: string, audience: string) =>
  (await harness.plane.kubectl(['create', 'token', name, '-n', namespace, `--audience=${audience}`])).stdout.trim();

function ask(port: number, headers: Readonly<Record<string, string>>, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const asked = httpRequest({ host, port, path: '/', headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(response.statusCode === 200 ? body : `${response.statusCode} ${body}`));
    });
    asked.on('error', ({ message }) => resolve(message));
    asked.end();
  });
}

/** The revision that serves, once it is `other` than before. */
const serving = (other?: string) =>
  eventually(
    'another revision serves',
    async () => {
      const { status } = await harness.client.get<InferenceService>(kinds.InferenceService, KEY);
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
      const revision = status?.stable?.revision;
      return ready && revision !== other && revision;
    },
    120,
  );

describe.skipIf(obstacle !== undefined)(`access at the pods${obstacle === undefined ? '' : `: ${obstacle}`}`, () => {
  it('is turned on and off while requests go on, and then nobody gets past the gateways', async () => {
    const authorization = `Bearer ${await newToken('checkout', 'team', 'slipway')}`;
    const byGateway = () => ask(harness.gateway.ports.data, { host: 'flights.team.svc', authorization });
    const first = harness.startOperator();
    const open = await serving();
    expect(await byGateway()).toBe(open);

    const answers = new Set<string>();
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        answers.add(await byGateway());
        await sleep(20);
      }
    })();
    await first.stop();
    const second = harness.startOperator({ SLIPWAY_ACCESS_AT_PODS: 'Enabled' });
    const closed = await serving(open);

    const { items } = await harness.client.list<Pod>(builtin.Pod, {
      namespace: 'team',
      labelSelector: `slipway.dev/revision=${closed}`,
    });
    const podIp = items[0]?.status?.podIP ?? '';
    const past = (token?: string) =>
      ask(8080, token === undefined ? {} : { [GATEWAY_TOKEN_HEADER]: token }, podIp).then((text) => text.slice(0, 3));
    const audience = 'slipway:team/flights';
    expect(await past(await newToken('slipway-gateway', 'default', audience))).toBe(closed.slice(0, 3));
    expect(await past()).toBe('401');
    expect(await past(await newToken('slipway-gateway', 'default', 'slipway:team/other'))).toBe('401');
    expect(await past(await newToken('checkout', 'team', audience))).toBe('401');

    await second.stop();
    harness.startOperator();
    expect(await serving(closed)).toBe(open);
    isOver = true;
    await asking;
    expect(answers).toEqual(new Set([open, closed]));
  });
});
