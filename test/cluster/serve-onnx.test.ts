/** The first example of the README on a whole Kubernetes: served, at rest, wrong and mended, deleted. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clusterDown, forwardService } from '../../hack/cluster/index.ts';
import { VERSION } from '../../hack/images/index.ts';
import { restartOperator, writesAtRest } from '../../hack/slipway/at-rest.ts';
import type { SlipwayCluster } from '../../hack/slipway/slipway-cluster.ts';
import { setUp } from '../../hack/slipway/set-up.ts';
import { conditionOf, conditionThat } from './observe.ts';

const NAME = 'test-serve';
const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'serve-onnx');
const OTHER_DIGEST = `sha256:${'0'.repeat(64)}`;
let cluster: SlipwayCluster;

beforeAll(async () => {
  await clusterDown(NAME);
  ({ cluster } = await setUp({ name: NAME, namespace: 'team' }));
});
afterAll(async () => {
  await clusterDown(NAME);
});

const TRIPS = [{ name: 'trip', shape: [2, 2], datatype: 'FP32', data: [3.1, 12, 0.8, 6] }];

async function fares(inputs: readonly object[] = TRIPS): Promise<number[]> {
  const forward = await forwardService(NAME, { namespace: 'team', service: 'fare', port: 80 });
  try {
    const { outputs } = JSON.parse(await post(forward.port, JSON.stringify({ inputs }))) as Answer;
    return outputs[0]?.data.map((fare) => Math.round(fare * 1000) / 1000) ?? [];
  } finally {
    forward.close();
  }
}

interface Answer {
  readonly outputs: readonly { readonly data: readonly number[] }[];
}

/** By the host name that the service has in the cluster, which `fetch` would not let us set. */
async function post(port: number, body: string): Promise<string> {
  const options = { host: '127.0.0.1', port, path: '/v2/models/fare/infer', method: 'POST', agent: false };
  const request = httpRequest({ ...options, headers: { host: 'fare.team.svc' } }).end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return text(response);
}

it('gives a prediction after one kubectl apply', async () => {
  const { kubectl } = cluster;
  await kubectl(['apply', '-f', EXAMPLE]);
  await kubectl(['wait', '--for=condition=Ready', 'inferenceservices.slipway.dev/fare', '--timeout=2m']);

  expect(await fares()).toEqual([12.625, 6.5]);
});

it('shows all of it to kubectl get and describe', async () => {
  const table = await cluster.kubectl(['get', 'slipway']);
  expect(table).toMatch(/store\.slipway\.dev\/default +pvc:\/\/models +True +ClaimBound/);
  expect(table).toMatch(/modelversion\.slipway\.dev\/fare-1 +1 +True +Verified/);
  expect(table).toMatch(/inferenceservice\.slipway\.dev\/fare +True/);
  const described = await cluster.kubectl(['describe', 'inferenceservices.slipway.dev/fare']);
  expect(described).toMatch(/Normal +TrafficMoved .*All requests go to revision fare-/);
  expect(described).toMatch(/Grpc: +fare\.team\.svc:80/);
});

it('writes nothing at rest, also when the operator starts again', async () => {
  expect(await writesAtRest(cluster, () => restartOperator(cluster))).toEqual([]);
});

it('keeps serving while a version with other bytes fails, says so, and takes the fix', async () => {
  const yaml = readFileSync(join(EXAMPLE, '3-model-version.yaml'), 'utf8');
  const second = (name: string, digest?: string) =>
    yaml.replace('name: fare-1', `name: ${name}`).replace(/sha256:[0-9a-f]{64}/, (own) => digest ?? own);
  await cluster.kubectl(['apply', '-f', '-'], second('fare-2', OTHER_DIGEST));
  const serve = (version: string) =>
    cluster.kubectl([
      'patch',
      'inferenceservices.slipway.dev/fare',
      '--type=merge',
      `--patch={"spec":{"modelVersion":{"name":"${version}"}}}`,
    ]);
  await serve('fare-2');
  const service = 'inferenceservices.slipway.dev/fare';
  const ready = await conditionThat(cluster, [service, 'Ready', 'False'], ({ message }) => message.includes('digest'));
  expect(ready.message).toMatch(/ModelVersion "fare-2" is not ready: .*has the digest sha256:b862.*, not sha256:0000/);
  expect((await conditionOf(cluster, service, 'Serving'))?.reason).toBe('StableServes');
  expect(await fares()).toEqual([12.625, 6.5]);

  await cluster.kubectl(['apply', '-f', '-'], second('fare-3'));
  await serve('fare-3');
  await cluster.kubectl(['wait', '--for=condition=UpToDate', 'inferenceservices.slipway.dev/fare', '--timeout=1m']);
  expect(await fares()).toEqual([12.625, 6.5]);
});

/** Makes trips without a stop of miles: any server of the protocol would do. */
const MILES = `
const tensor = (name, shape, data) => ({ name, datatype: 'FP32', shape, data });
const infer = ({ inputs: [{ data }] }) => ({
  outputs: [tensor('trip', [data.length, 2], data.flatMap((miles) => [miles, 0]))],
});
const about = { inputs: [tensor('miles', [-1])], outputs: [tensor('trip', [-1, 2])] };
require('node:http').createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  response.end(JSON.stringify(body === '' ? about : infer(JSON.parse(body))));
}).listen(process.env.SLIPWAY_HTTP_PORT);
process.on('SIGTERM', () => process.exit());
`;

it('serves a version with a step before its model, and goes back to one without', async () => {
  const service = 'inferenceservices.slipway.dev/fare';
  const version = load(readFileSync(join(EXAMPLE, '3-model-version.yaml'), 'utf8')) as { spec: object };
  const before = { image: `slipway/batch-runtime:${VERSION}`, command: ['node', '-e', MILES] };
  const stepped = { ...version, metadata: { name: 'fare-4' }, spec: { ...version.spec, serve: { before } } };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(stepped));
  const serve = async (name: string) => {
    const patch = `--patch={"spec":{"modelVersion":{"name":"${name}"}}}`;
    await cluster.kubectl(['patch', service, '--type=merge', patch]);
    await cluster.kubectl(['wait', `--for=jsonpath={.status.stable.modelVersion}=${name}`, service, '--timeout=2m']);
  };
  await serve('fare-4');
  expect(await fares([{ name: 'miles', shape: [2], datatype: 'FP32', data: [2, 4] }])).toEqual([6.5, 10]);

  await serve('fare-3');
  expect(await fares()).toEqual([12.625, 6.5]);
});

it('keeps a version that is served from deletion, and lets go with the service', async () => {
  const { kubectl } = cluster;
  await expect(kubectl(['delete', 'modelversion', 'fare-3'])).rejects.toThrow(
    /fare-3 is in use\. Used by InferenceService fare\./,
  );
  expect(await fares()).toEqual([12.625, 6.5]);

  await kubectl(['delete', 'inferenceservices.slipway.dev/fare', '--timeout=1m']);
  await kubectl(['wait', '--for=condition=InUse=false', 'modelversion/fare-3', '--timeout=1m']);
  await kubectl(['delete', 'modelversion', 'fare-3', '--timeout=1m']);
  await kubectl(['wait', '--for=delete', 'pod', '-l', 'slipway.dev/inferenceservice=fare', '--timeout=2m']);
  expect(await kubectl(['get', 'modelversions', '-o', 'name'])).toBe(
    ['fare-1', 'fare-2', 'fare-4'].map((name) => `modelversion.slipway.dev/${name}\n`).join(''),
  );
});
