/** One service over its life on a real API server: created, changed, broken, mended, and the operator killed in between. */
import { builtin } from '@slipway/kube';
import type { Deployment, KubeKind, Pod, Service } from '@slipway/kube';
import type { InferenceService, ModelVersion, TrafficRoute } from '@slipway/crds';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { ownAddress } from '../running-gateway.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import type { PodFate, PodScript } from './kubelet.ts';
import { claim, DIGEST_B, inferenceService, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const NS = 'team';
const KEY = { namespace: NS, name: 'flights' };
let harness: Harness;
let operator: OperatorProcess;

const isBatch = (pod: Parameters<PodScript>[0]) => pod.spec?.containers[0]?.name === 'batch';
const versionOf = (pod: Parameters<PodScript>[0]) => pod.metadata.labels?.['slipway.dev/modelversion'];

/** Verifications succeed, pods of services run; `serving` says how, by name of the ModelVersion. */
function script(serving: Readonly<Record<string, PodFate>> = {}): PodScript {
  return (pod) => {
    if (isBatch(pod)) {
      const request = pod.spec?.containers[0]?.env?.[0]?.value ?? '{}';
      return { kind: 'succeed', message: verified((JSON.parse(request) as { digest: string }).digest) };
    }
    return serving[versionOf(pod) ?? ''] ?? { kind: 'run', ready: true };
  };
}

beforeAll(async () => {
  harness = await startHarness(script());
  operator = harness.startOperator();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS));
});
afterAll(() => harness?.stop());

const service = () => harness.get<InferenceService>(kinds.InferenceService, KEY);
const address = () => harness.get<Service>(builtin.Service, KEY);
const route = () => harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
/** The versions that the route lists, with their weights. */
async function weights(): Promise<Record<string, number>> {
  const backends = (await route())?.spec.backends ?? [];
  const { items } = await harness.client.list(builtin.ControllerRevision, { namespace: NS });
  const versionOfRevision = (name: string) =>
    items.find(({ metadata }) => metadata.name === name)?.metadata.labels?.['slipway.dev/modelversion'] ?? name;
  return Object.fromEntries(backends.map(({ revision, weight }) => [versionOfRevision(revision), weight]));
}
async function deployments(): Promise<Deployment[]> {
  return (await harness.client.list(builtin.Deployment, { namespace: NS })).items;
}

async function condition(type: string) {
  return (await service())?.status?.conditions?.find((one) => one.type === type);
}

async function isServing(version: string): Promise<InferenceService | undefined> {
  const found = await service();
  const { conditions = [], observedGeneration, stable } = found?.status ?? {};
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const isCurrent = observedGeneration === found?.metadata.generation;
  return isReady && isCurrent && stable?.modelVersion === version ? found : undefined;
}

describe('an InferenceService', () => {
  it('says what is missing before there is a ModelVersion, and serves once there is one', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', { scaling: { replicas: 2 } }));
    const blocked = await eventually('the missing version is named', async () => {
      const ready = await condition('Ready');
      return ready?.reason === 'ModelVersionNotFound' ? ready : undefined;
    });
    expect(blocked.message).toContain('There is no ModelVersion "delay-1" in namespace "team"');

    await harness.apply(modelVersion(NS, 'delay-1'));
    const serving = await eventually('delay-1 serves with both pods', async () => {
      const found = await isServing('delay-1');
      return found?.status?.stable?.ready === 2 ? found : undefined;
    });

    expect(serving.status).toMatchObject({
      address: { http: 'http://flights.team.svc', grpc: 'flights.team.svc:80' },
      stable: { modelVersion: 'delay-1', ready: 2 },
      selector: 'slipway.dev/inferenceservice=flights',
      runtime: { image: 'slipway/serving-runtime:test' },
    });
    expect(await weights()).toEqual({ 'delay-1': 100 });
    expect(await addressEndpoints()).toEqual([{ address: ownAddress(), ready: true }]);
  });

  it('keeps the ModelVersion that it serves from being deleted', async () => {
    await harness.client.delete(kinds.ModelVersion, { namespace: NS, name: 'delay-1' });
    const version = await eventually('deletion waits', async () => {
      const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name: 'delay-1' });
      const ready = found?.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.reason === 'Terminating' ? found : undefined;
    });

    expect(version.metadata.finalizers).toEqual(['slipway.dev/in-use']);
    expect(version.status?.conditions?.find(({ type }) => type === 'InUse')).toMatchObject({
      status: 'True',
      message: 'Used by InferenceService flights.',
    });
  });

  it('gives the traffic to a new version only when all its pods answer, and then ends the old pods', async () => {
    harness.kubelet.follow(script({ 'delay-2': { kind: 'run', ready: false } }));
    await harness.apply(
      modelVersion(NS, 'delay-2', DIGEST_B),
      inferenceService(NS, 'delay-2', { scaling: { replicas: 2 } }),
    );
    await eventually('the candidate has pods', async () => {
      const found = await service();
      return found?.status?.candidate?.modelVersion === 'delay-2' && (await podsOf('delay-2')).length === 2;
    });
    expect(await weights()).toEqual({ 'delay-1': 100, 'delay-2': 0 });
    expect(await condition('Serving')).toMatchObject({ status: 'True', reason: 'StableServes' });
    expect(await condition('Ready')).toMatchObject({ status: 'False', reason: 'RolloutInProgress' });

    harness.kubelet.follow(script());
    // The old pods are still there while requests may be on their way to them.
    await eventually('all requests go to delay-2, and delay-1 is still there', async () => {
      return (await weights())['delay-2'] === 100 && (await deployments()).length === 2;
    });
    const moved = await route();
    await eventually('delay-2 serves', () => isServing('delay-2'));
    await eventually('delay-1 is listed no more', async () => Object.keys(await weights()).join() === 'delay-2');
    await eventually('the old Deployment is gone', async () => (await deployments()).length === 1);
    const wait = Date.now() - Date.parse(moved?.metadata.annotations?.['slipway.dev/traffic-moved-at'] ?? '');
    expect(wait).toBeGreaterThanOrEqual(2000);
    await eventually('delay-1, which nobody uses any more, is gone', async () => {
      const found = await harness.get(kinds.ModelVersion, { namespace: NS, name: 'delay-1' });
      return found === undefined;
    });
    // Kubernetes may take a while for it, in which later cases would take it for something that we do.
    const collected = async () => (await workOf('delay-1-')).length === 0;
    await eventually('what it owned is gone too', collected, 90);
  });

  it('keeps serving while a bad version fails, says why, and takes the fix at once', async () => {
    const failure = JSON.stringify({ ok: false, reason: 'DigestMismatch', message: 'model.onnx has another digest.' });
    const crash: PodFate = { kind: 'crashLoop', container: 'fetch', exitCode: 3, message: failure };
    harness.kubelet.follow(script({ 'delay-3': crash }));
    await harness.apply(modelVersion(NS, 'delay-3'), inferenceService(NS, 'delay-3'));
    await eventually('the failure is told', async () => (await condition('Ready'))?.reason === 'DigestMismatch');
    expect(await condition('Stalled')).toMatchObject({ status: 'True' });
    expect(await condition('Serving')).toMatchObject({ status: 'True', reason: 'StableServes' });

    await harness.apply(modelVersion(NS, 'delay-4', DIGEST_B), inferenceService(NS, 'delay-4'));
    await eventually('delay-4 serves', () => isServing('delay-4'));
    await eventually('only delay-4 is left', async () => (await deployments()).length === 1);
    expect((await service())?.status?.candidate).toBeUndefined();
  });

  it('drops a broken candidate when the spec goes back, without touching the pods that serve', async () => {
    const pods = (await podsOf('delay-4')).map(({ metadata }) => metadata.uid);
    harness.kubelet.follow(
      script({
        'delay-2': { kind: 'waitsFor', reason: 'ImagePullBackOff', message: 'not found', container: 'server' },
      }),
    );
    await harness.apply(inferenceService(NS, 'delay-2'));
    await eventually('the image is told', async () => (await condition('Ready'))?.reason === 'ImagePullFailed');
    expect((await condition('Ready'))?.message).toContain('"slipway/serving-runtime:test"');

    await harness.apply(inferenceService(NS, 'delay-4'));
    await eventually('back on delay-4', () => isServing('delay-4'));
    await eventually('only delay-4 is left', async () => (await deployments()).length === 1);
    expect((await podsOf('delay-4')).map(({ metadata }) => metadata.uid)).toEqual(pods);
  });

  it('changes the number of pods without a new revision', async () => {
    const revision = (await service())?.status?.stable?.revision;
    const { code } = await harness.plane.kubectl([
      'scale',
      '-n',
      NS,
      'inferenceservices.slipway.dev/flights',
      '--replicas=3',
    ]);
    expect(code).toBe(0);
    await eventually('three pods answer', async () => {
      const found = await service();
      return found?.status?.stable?.ready === 3 && found.status.stable.revision === revision;
    });
    expect(await deployments()).toHaveLength(1);
  });

  it('ends up the same when the operator is killed in the middle of a change', async () => {
    harness.kubelet.follow(script({ 'delay-5': { kind: 'run', ready: false } }));
    await harness.apply(modelVersion(NS, 'delay-5'), inferenceService(NS, 'delay-5', { scaling: { replicas: 3 } }));
    await eventually('the candidate was made', async () => (await deployments()).length === 2);
    await operator.kill();
    harness.kubelet.follow(script());
    operator = harness.startOperator();

    await eventually('delay-5 serves', () => isServing('delay-5'));
    await eventually('only delay-5 is left', async () => (await deployments()).length === 1);
  });

  it('restarts nothing when the operator comes with new images, and says that the runtime is behind', async () => {
    const pods = sorted((await podsOf('delay-5')).map(({ metadata }) => metadata.uid));
    expect(await operator.stop()).toBe(0);
    operator = harness.startOperator({ SLIPWAY_SERVING_RUNTIME_IMAGE: 'slipway/serving-runtime:next' });
    await eventually('the newer image is named', async () => {
      return (await service())?.status?.runtime?.behind === 'slipway/serving-runtime:next';
    });
    expect(sorted((await podsOf('delay-5')).map(({ metadata }) => metadata.uid))).toEqual(pods);
    await operator.stop();
    operator = harness.startOperator();
    await eventually('as before', async () => (await service())?.status?.runtime?.behind === undefined);
  });

  it('moves no traffic and starts no work when every status is wiped', async () => {
    const [before, uids] = [await route(), await workUids()];
    for (const { kind, name } of [
      { kind: 'inferenceservices', name: 'flights' },
      { kind: 'modelversions', name: 'delay-5' },
      { kind: 'stores', name: 'default' },
    ]) {
      const patch = ['patch', '-n', NS, `${kind}.slipway.dev`, name, '--subresource=status', '--type=json'];
      const { code, stderr } = await harness.plane.kubectl([...patch, '-p', '[{"op":"remove","path":"/status"}]']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    await eventually('the status is back', () => isServing('delay-5'));

    const version = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name: 'delay-5' });
    expect(version?.status).toMatchObject({ bytes: 42, signature: { inputs: [{ name: 'x' }] } });
    expect(await workUids()).toEqual(uids);
    expect((await route())?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  });

  it('writes nothing at rest, not after a restart of the API server nor of the operator', async () => {
    const before = await versionsAtRest();
    await harness.plane.restartApiServer();
    await operator.stop();
    operator = harness.startOperator();
    await operator.working();
    await sleep(4000);

    expect(await resourceVersions()).toEqual(before);
  });

  it('puts right a route that somebody changed by hand, and goes above their sequence', async () => {
    const sequence = ((await route())?.spec.sequence ?? 0) + 5;
    const patch = JSON.stringify({
      spec: { sequence, mirrors: [{ revision: (await route())?.spec.stable, percent: 1 }] },
    });
    const { code } = await harness.plane.kubectl([
      'patch',
      '-n',
      NS,
      'trafficroute/flights',
      '--type=merge',
      '-p',
      patch,
    ]);
    expect(code).toBe(0);
    await eventually('the mirror is gone', async () => (await route())?.spec.mirrors.length === 0);
    expect((await route())?.spec.sequence).toBe(sequence + 1);
  });

  it('finds what serves when somebody deletes the route', async () => {
    const uid = (await route())?.metadata.uid;
    await harness.client.delete(kinds.TrafficRoute, KEY);
    await eventually('it is made again', async () => ((await route())?.metadata.uid ?? uid) !== uid);
    expect(await weights()).toEqual({ 'delay-5': 100 });
    await eventually('every gateway has it', () => isServing('delay-5'));
  });

  it('takes nobody else’s Service of its name, and says so', async () => {
    await harness.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'taken', namespace: NS },
      spec: { ports: [{ port: 80 }], selector: { app: 'mine' } },
    });
    const wanted = { ...inferenceService(NS, 'delay-5'), metadata: { name: 'taken', namespace: NS } };
    await harness.apply(wanted);
    await eventually('the name is told', async () => {
      const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'taken' });
      return found?.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'NameTaken');
    });
    const theirs = await harness.get<Service>(builtin.Service, { namespace: NS, name: 'taken' });
    expect(theirs?.spec?.selector).toEqual({ app: 'mine' });
    await harness.client.delete(kinds.InferenceService, { namespace: NS, name: 'taken' });
  });

  it('takes what it owns with it when it is deleted, and nothing else', async () => {
    await harness.client.delete(kinds.InferenceService, KEY);
    // The garbage collector of Kubernetes works at its own pace.
    await eventually(
      'its children are gone',
      async () => {
        const services = await address();
        return services === undefined && (await deployments()).length === 0 && (await podsOf('delay-5')).length === 0;
      },
      120,
    );
    const version = await eventually('the version is free', async () => {
      const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name: 'delay-5' });
      return found?.metadata.finalizers === undefined ? found : undefined;
    });
    expect(version.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });

  it('lets a namespace with a served model be deleted', async () => {
    await harness.apply(inferenceService(NS, 'delay-5'));
    await eventually('delay-5 serves', () => isServing('delay-5'));
    await harness.plane.kubectl(['delete', 'namespace', NS, '--wait=false']);
    await eventually(
      'the namespace is gone',
      async () => {
        return (await harness.get(builtin.Namespace, { name: NS })) === undefined;
      },
      60,
    );
  });
});

function sorted(texts: readonly (string | undefined)[]): string[] {
  return texts.map(String).sort((a, b) => (a < b ? -1 : 1));
}

async function podsOf(version: string): Promise<Pod[]> {
  const labelSelector = `slipway.dev/modelversion=${version},slipway.dev/revision`;
  const { items } = await harness.client.list(builtin.Pod, { namespace: NS, labelSelector });
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

async function addressEndpoints() {
  const labelSelector = 'kubernetes.io/service-name=flights';
  const { items } = await harness.client.list(builtin.EndpointSlice, { namespace: NS, labelSelector });
  return items.flatMap(({ endpoints }) =>
    endpoints.map(({ addresses, conditions }) => ({ address: addresses[0], ready: conditions?.ready })),
  );
}

async function workUids(): Promise<string[]> {
  const lists = await Promise.all(
    [builtin.Pod, builtin.Job, builtin.Deployment, builtin.ControllerRevision].map((kind) =>
      harness.client.list(kind as KubeKind, { namespace: NS }),
    ),
  );
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.uid}`)).sort();
}

async function workOf(prefix: string): Promise<string[]> {
  const lists = await Promise.all(
    [builtin.Pod, builtin.Job].map((kind) => harness.client.list(kind as KubeKind, { namespace: NS })),
  );
  return lists
    .flatMap(({ items }) => items.map(({ metadata }) => metadata.name))
    .filter((name) => name.startsWith(prefix));
}

/** Once what was done before has come to its end. */
async function versionsAtRest(): Promise<Record<string, string | undefined>> {
  let before = await resourceVersions();
  return eventually('nothing is written', async () => {
    await sleep(2000);
    const last = before;
    before = await resourceVersions();
    return isDeepStrictEqual(last, before) && before;
  });
}

async function resourceVersions(): Promise<Record<string, string | undefined>> {
  const all = [
    ...Object.values(kinds),
    builtin.Pod,
    builtin.Job,
    builtin.Deployment,
    builtin.Service,
    builtin.ControllerRevision,
    builtin.EndpointSlice,
    builtin.PersistentVolumeClaim,
  ];
  const lists = await Promise.all(all.map((kind) => harness.client.list(kind as KubeKind, { namespace: NS })));
  // Those of others tell of the API server that was away.
  const events = (await harness.client.list(builtin.Event, { namespace: NS })).items.filter(
    ({ reportingController }) => reportingController === 'slipway.dev/operator',
  );
  const objects = [...lists.flatMap(({ items }) => items), ...events];
  return Object.fromEntries(
    objects.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]),
  );
}
