/** Hosts by a Gateway of other people: Traefik leads requests to real servers behind the pods of a real API server. */
import { request } from 'node:http';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { gatewayRouteKinds, kinds } from '../../../operator/src/kinds.ts';
import { answeringPodsObstacle, createAnsweringPods } from './answering-pods.ts';
import type { AnsweringPods } from './answering-pods.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, DIGEST_B, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';
import { installGatewayApi } from './gateway-api-kinds.ts';
import { startTraefik, traefikObstacle } from './traefik.ts';
import type { Traefik } from './traefik.ts';

const HOST = 'flights.example.org';
const GRPC_HOST = 'grpc.example.org';
const KEY = { namespace: 'team', name: 'flights' };
const gateway = { name: 'public', namespace: 'infra' };
const expose = { hosts: [HOST], grpcHosts: [GRPC_HOST], by: 'GatewayApi', gateway };
/** Longer than the operator needs for its next step. */
const SETTLE_MS = 3_000;
const obstacle = answeringPodsObstacle() ?? traefikObstacle();
let pods: AnsweringPods;
let harness: Harness;
let traefik: Traefik;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  pods = createAnsweringPods();
  harness = await startHarness(pods.script, { gatewayApi: true });
  pods.follow(harness.client);
  await harness.startOperator({ SLIPWAY_GATEWAY_API: 'Enabled' }).working();
  await harness.apply(
    namespaceNamed('team'),
    claim('team'),
    store('team'),
    modelVersion('team', 'delay-1'),
    modelVersion('team', 'delay-2', DIGEST_B),
  );
});
afterAll(async () => {
  await traefik?.stop();
  await harness?.stop();
  pods?.stop();
});

async function seen() {
  const { metadata, status } = await harness.client.get<InferenceService>(kinds.InferenceService, KEY);
  const said = (type: string) => {
    const condition = status?.conditions?.find((one) => one.type === type);
    return condition && `${condition.status} ${condition.reason}`;
  };
  const message = status?.conditions?.find(({ type }) => type === 'Exposed')?.message;
  const { stable, address } = status ?? {};
  const isCurrent = status?.observedGeneration === metadata.generation;
  return { isCurrent, said, message, stable: stable?.revision, version: stable?.modelVersion, address };
}

/** Waits until it is so of the present spec. */
function eventuallySays(type: string, words: string, seconds = 90) {
  return eventually(
    `${type} is ${words}`,
    async () => {
      const now = await seen();
      return now.isCurrent && now.said(type) === words && now;
    },
    seconds,
  );
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask(): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port: traefik.port, path: '/v2/health/ready', headers: { host: HOST }, agent: false };
    request(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .once('error', reject)
      .end();
  });
}

/** The revision that a call of gRPC reaches. */
function callGrpc(host: string): Promise<unknown> {
  const session = connect(`http://127.0.0.1:${traefik.port}`);
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ServerLive',
      ':authority': host,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.once('response', (headers) => resolve(headers['x-revision']));
    stream.once('error', reject);
    stream.end();
  }).finally(() => session.close());
}

describe.skipIf(obstacle !== undefined)(
  `expose.by: GatewayApi${obstacle === undefined ? '' : `, which ${obstacle}`}`,
  () => {
    it('says that the cluster lacks the Gateway API, and serves under its other names', async () => {
      await harness.apply(inferenceService('team', 'delay-1', { expose }));
      const { said, address } = await eventuallySays('Serving', 'True Serving');

      expect(said('Exposed')).toBe('False GatewayApiNotInstalled');
      expect(said('Ready')).toBe('False GatewayApiNotInstalled');
      expect(said('UpToDate')).toBe('True UpToDate');
      expect([address?.hosts, address?.grpcHosts]).toEqual([undefined, undefined]);
    });

    it('is answered by the Gateway once there is one, without a restart of the operator', async () => {
      await installGatewayApi(harness.plane);
      const before = await eventuallySays('Exposed', 'False RouteNotAccepted');
      expect(before.message).toContain('Is there a Gateway "public" in namespace "infra"');
      traefik = await startTraefik(harness.plane);
      const { stable, said, address } = await eventuallySays('Exposed', 'True Exposed');

      expect(said('Ready')).toBe('True UpToDate');
      expect([address?.hosts, address?.grpcHosts]).toEqual([[HOST], [GRPC_HOST]]);
      await eventually('Traefik answers', async () => (await ask()).body === stable);
      expect(await callGrpc(HOST)).toBe(stable);
      expect(await callGrpc(GRPC_HOST)).toBe(stable);
      const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
      expect(route?.spec.hosts).toEqual([]);
    });

    it('changes its version without a failed request, and the old pods stay until the Gateway has followed', async () => {
      const { stable: old } = await seen();
      const answers: Answer[] = [];
      const stop = new AbortController();
      const asking = (async () => {
        while (!stop.signal.aborted)
          answers.push(await ask().catch((cause: Error) => ({ status: 0, body: String(cause) })));
      })();
      await harness.apply(inferenceService('team', 'delay-2', { expose }));
      const { stable } = await eventually(
        'delay-2 serves',
        async () => {
          const now = await seen();
          return now.version === 'delay-2' && now;
        },
        90,
      );
      expect(await harness.get(builtin.Deployment, { namespace: 'team', name: old ?? '' })).toBeDefined();
      const isGone = async () =>
        (await harness.get(builtin.Deployment, { namespace: 'team', name: old ?? '' })) === undefined;
      await eventually('the old revision is gone', isGone, 120);
      const last = answers.length;
      await eventually('more answers', () => Promise.resolve(answers.length > last + 20));
      stop.abort();
      await asking;

      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      // Never back: the split goes from one to the other at once.
      expect(answers.map(({ body }) => body).filter((body, index, all) => body !== all[index - 1])).toEqual([
        old,
        stable,
      ]);
      expect(await callGrpc(HOST)).toBe(stable);
      expect(await callGrpc(GRPC_HOST)).toBe(stable);
    });

    it('does not end a change before the controller has read the new weights', async () => {
      const { stable: old } = await seen();
      onTestFinished(() => traefik.resume());
      traefik.pause();
      await harness.apply(inferenceService('team', 'delay-1', { expose }));
      const written = async () => {
        const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
        return route?.spec.backends.some(({ revision, weight }) => revision !== old && weight === 100);
      };
      await eventually('the new revision has all the weight', written, 90);
      const { message } = await eventuallySays('Exposed', 'False RouteNotAccepted');
      expect(message).toBe('traefik.io/gateway-controller does not follow the newest HTTPRoute yet.');
      await sleep(SETTLE_MS);
      expect((await seen()).stable).toBe(old);

      traefik.resume();
      const now = await eventuallySays('UpToDate', 'True UpToDate');
      expect(now.version).toBe('delay-1');
      await eventually('Traefik follows', async () => (await ask()).body === now.stable);
      await eventually('gRPC follows, too', async () => (await callGrpc(GRPC_HOST)) === now.stable);
    });

    it('says in the words of the controller what is wrong with the route', async () => {
      const wrong = { ...expose, gateway: { ...expose.gateway, sectionName: 'web' } };
      await harness.apply(inferenceService('team', 'delay-1', { expose: wrong }));
      await eventuallySays('Exposed', 'True Exposed');
      const listeners = [{ name: 'web', protocol: 'HTTP', port: traefik.port, hostname: 'other.example.org' }];
      await harness.plane.kubectl([
        '-n',
        'infra',
        'patch',
        'gateway',
        'public',
        '--type=merge',
        '-p',
        JSON.stringify({ spec: { listeners } }),
      ]);
      const { message, said, address } = await eventuallySays('Exposed', 'False RouteNotAccepted');

      expect(message).toMatch(/^traefik\.io\/gateway-controller says of the HTTPRoute: Accepted is False: /);
      expect(said('Ready')).toBe('False RouteNotAccepted');
      expect(said('Serving')).toBe('True Serving');
      expect(address?.hosts).toBeUndefined();
    });

    it('says so where there is no such Gateway', async () => {
      const nowhere = { ...expose, gateway: { name: 'nobody' } };
      await harness.apply(inferenceService('team', 'delay-1', { expose: nowhere }));
      const look = async () => {
        const now = await seen();
        return (
          now.isCurrent && now.message?.includes('Is there a Gateway "nobody" in namespace "team"') === true && now
        );
      };

      const { said } = await eventually('it asks for the Gateway', look);
      expect(said('Exposed')).toBe('False RouteNotAccepted');
    });

    it('leaves no route behind where the gateways take the hosts', async () => {
      await harness.apply(inferenceService('team', 'delay-1', { expose: { hosts: [HOST] } }));
      for (const kind of Object.values(gatewayRouteKinds))
        await eventually(`there is no ${kind.kind}`, async () => (await harness.get(kind, KEY)) === undefined);
      const { address } = await eventuallySays('Exposed', 'True Exposed');

      expect([address?.hosts, address?.grpcHosts]).toEqual([[HOST], undefined]);
    });
  },
);
