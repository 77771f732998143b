/**
 * MLServer as a runtime of other people: started with the command, the variables and the files that the pod of the example has, as a
 * process, and asked through a gateway. Kubernetes' part, which puts variables where `$(NAME)` stands, is played here.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupVersion, InferenceServiceSpec, ModelVersionSpec, ServingRuntimeSpec, StoreSpec } from '@slipway/crds';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeStore, runCommand } from '../../batch-runtime/test/run-command.ts';
import { aBackend, aRoute } from '../../gateway/src/testing/routes.ts';
import { ask, freePorts, startGateway } from '../../gateway/src/testing/running-gateway.ts';
import type { RunningGateway } from '../../gateway/src/testing/running-gateway.ts';
import { buildPodTemplate } from '../../operator/src/controllers/inference-service/build-pod-template.ts';
import { resolveFacts } from '../../operator/src/controllers/inference-service/revision.ts';
import { serverPorts } from '../../operator/src/controllers/inference-service/server-ports.ts';
import { clientEnvironment } from './client-environment.ts';
import type { ClientEnvironment } from './client-environment.ts';

const INSTALL_MS = 1_200_000;
const READY_MS = 120_000;
const EXAMPLE = join(import.meta.dirname, '../../examples/bring-your-own-runtime');
const SERVICE = 'fare-trees';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
  readonly data: Readonly<Record<string, string>>;
}

function manifest(file: string, kind: string): Manifest {
  const found = (loadAll(readFileSync(join(EXAMPLE, file), 'utf8')) as Manifest[]).find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`${file} has no ${kind}`);
  return found;
}

function object<Kind extends string, Spec>(kind: Kind, name: string, spec: Spec) {
  return { apiVersion: groupVersion, kind, metadata: { name, namespace: 'default' }, spec };
}

/** The pod of the example. Only the ports and the folder of the model are others: there is one machine here, and no container. */
function examplePod(models: string, [http = 0, grpc = 0, metrics = 0]: readonly number[]) {
  const example = manifest('3-serving-runtime.yaml', 'ServingRuntime').spec as object;
  const runtime = ServingRuntimeSpec.parse({
    ...example,
    ports: { http, grpc, metrics },
    model: { mountPath: models },
  });
  const version = ModelVersionSpec.parse(manifest('4-model-version.yaml', 'ModelVersion').spec);
  const service = InferenceServiceSpec.parse(manifest('5-inference-service.yaml', 'InferenceService').spec);
  const store = StoreSpec.parse(manifest('1-store.yaml', 'Store').spec);
  const facts = resolveFacts(
    object('InferenceService', SERVICE, service),
    object('ModelVersion', `${SERVICE}-1`, version),
    object('Store', 'default', store),
  );
  const config = {
    servingRuntimeImage: 'ours',
    batchRuntimeImage: 'ours',
    imagePullPolicy: 'Never' as const,
    drainSeconds: 0,
    keepsSamples: false,
    podPaths: [],
  };
  return buildPodTemplate({ service: SERVICE, revision: `${SERVICE}-1`, facts, config, runtime });
}

type Template = ReturnType<typeof examplePod>;
type Container = NonNullable<Template['spec']>['containers'][number];

/** As the kubelet does: $(NAME) of what was set before, $$ for a dollar, anything else as it is. */
function expanded(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^)]+)\)/g, (whole, name?: string) => {
    return name === undefined ? '$' : (variables[name] ?? whole);
  });
}

function variablesOf({ env = [] }: Container): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { name, value = '' } of env) variables[name] = expanded(value, variables);
  return variables;
}

/** What the first container of the pod does: the model comes from the Store, and has its digest. */
async function bringModel({ spec }: Template, models: string): Promise<void> {
  const content = manifest('2-model-file.yaml', 'ConfigMap').data['model.bst'] ?? '';
  const store = makeStore({ 'models/fare-trees/model.bst': content });
  const text = spec?.initContainers?.[0]?.env?.[0]?.value ?? '';
  const request = text.replaceAll('"/stores/default/', `"${store}/`).replaceAll('"/models/', `"${models}/`);
  const { code, log } = await runCommand('fetch', JSON.parse(request) as object);
  expect(code, log).toBe(0);
}

let environment: ClientEnvironment;
let gateway: RunningGateway;
let mlserver: ChildProcess | undefined;
let log = '';

function start(container: Container): ChildProcess {
  const variables = variablesOf(container);
  const [command = '', ...args] = [...(container.command ?? []), ...(container.args ?? [])].map((word) =>
    expanded(word, variables),
  );
  const bin = dirname(environment.python);
  const child = spawn(join(bin, command), args, { env: { PATH: `${bin}:/usr/bin:/bin`, ...variables }, cwd: '/' });
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return child;
}

async function answers({ path = '', port }: { path?: string; port: number | string }): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  return answer?.ok === true;
}

async function untilReady({ readinessProbe }: Container): Promise<void> {
  const probe = readinessProbe?.httpGet;
  const until = Date.now() + READY_MS;
  while (probe === undefined || !(await answers(probe))) {
    if (mlserver?.exitCode !== null || Date.now() > until) throw new Error(`MLServer did not get ready:\n${log}`);
    await sleep(200);
  }
}

beforeAll(async () => {
  environment = await clientEnvironment('mlserver-lightgbm-1.7.1', ['mlserver==1.7.1', 'mlserver-lightgbm==1.7.1']);
  if (environment.obstacle !== undefined) return;
  const models = makeStore();
  const pod = examplePod(models, await freePorts(3));
  await bringModel(pod, models);
  const container = pod.spec?.containers[0];
  const ports = serverPorts(pod);
  if (container === undefined || ports === undefined) throw new Error('the pod has no server');
  mlserver = start(container);
  await untilReady(container);
  gateway = await startGateway();
  const backend = aBackend(`${SERVICE}-1`, 100, { at: ['127.0.0.1'], ...ports });
  gateway.table.set(aRoute([backend], { hosts: ['127.0.0.1'], name: SERVICE, namespace: 'default' }));
}, INSTALL_MS);

afterAll(async () => {
  await gateway?.stop(0);
  mlserver?.kill('SIGKILL');
});

const TRIPS = [3.1, 12, 0.8, 6];
const input = { name: 'trip', shape: [2, 2], datatype: 'FP64' };

/** What LightGBM itself says of them. */
const FARES = [expect.closeTo(11.408_862_14, 6), expect.closeTo(6.792_110_42, 6)];

it('answers over REST', async (test) => {
  test.skip(environment.obstacle !== undefined, environment.obstacle);
  const body = JSON.stringify({ inputs: [{ ...input, data: TRIPS }] });
  const host = `${SERVICE}.default.svc`;
  const answer = await ask({ port: gateway.port, path: `/v2/models/${SERVICE}/infer`, body, host });

  expect(answer.status, answer.body).toBe(200);
  const { outputs } = JSON.parse(answer.body) as { outputs: readonly { readonly data: readonly number[] }[] };
  expect(outputs[0]?.data).toEqual(FARES);
  expect(answer.headers['x-slipway-revision']).toBe(`${SERVICE}-1`);
});

it('answers over gRPC', async (test) => {
  test.skip(environment.obstacle !== undefined, environment.obstacle);
  const client = grpcClient(gateway.port);
  const { answer } = await client.call('ModelInfer', {
    model_name: SERVICE,
    inputs: [{ ...input, contents: { fp64_contents: TRIPS } }],
  });
  client.close();

  expect(answer).toMatchObject({ model_name: SERVICE, model_version: '1' });
  const [output] = answer['outputs'] as { contents: { fp64_contents: number[] } }[];
  expect(output?.contents.fp64_contents).toEqual(FARES);
});

it('is well where Kubernetes asks', async (test) => {
  test.skip(environment.obstacle !== undefined, environment.obstacle);
  const pod = examplePod('/models', [1, 2, 3]).spec?.containers[0];
  const { httpPort } = gateway.table.get('default', SERVICE)?.stable ?? { httpPort: 0 };
  for (const probe of [pod?.livenessProbe, pod?.readinessProbe, pod?.startupProbe])
    expect(await answers({ ...probe?.httpGet, port: httpPort })).toBe(true);
});
