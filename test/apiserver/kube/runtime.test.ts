/** Level: apiserver. The parts of kube/ against a real API server: what only its semantics can prove. */
import {
  applyOwned,
  BlockedError,
  builtin,
  byControllerUid,
  type Child,
  type ConfigMap,
  createDiscovery,
  createEventRecorder,
  createKubeClient,
  createManager,
  defineKind,
  type Deployment,
  KubeApiError,
  type KubeClient,
  type KubeKind,
  type KubeObject,
  loadKubeConfig,
  type Manager,
  pruneOwned,
  realClock,
  settled,
  toController,
  watch,
  writeStatus,
} from '@slipway/kube';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane } from '../control-plane.ts';
import type { ControlPlane } from '../control-plane.ts';
import { createMemoryLog, eventually, testScope } from '@slipway/kube/testing/fixtures.ts';

const namespace = 'default';
const me = { fieldManager: 'test' };
let plane: ControlPlane;
let client: KubeClient;
let registry: Registry;

beforeAll(async () => {
  plane = await startControlPlane();
  ({ client, registry } = newClient());
});

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

function newClient() {
  const metrics = new Registry();
  const kubeConfig = loadKubeConfig(plane.kubeconfigPath);
  return {
    client: createKubeClient({
      kubeConfig,
      userAgent: 'test',
      registry: metrics,
      clock: realClock,
      log: createMemoryLog(),
      budget: { writes: { perSecond: Infinity, burst: 0 } }, // it also plays the user, with hundreds of objects at once
    }),
    registry: metrics,
  };
}

function configMap(name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function newManager(options: { lease?: { namespace: string; name: string; identity: string } } = {}) {
  const log = createMemoryLog();
  const own = newClient();
  return { manager: createManager({ ...own, log, clock: realClock, ...options }), log, ...own };
}

/** How many writes the client has sent. */
async function writesOf(metrics: Registry): Promise<number> {
  const metric = await metrics.getSingleMetric('rest_client_requests_total')?.get();
  return (metric?.values ?? [])
    .filter(({ labels }) => labels['method'] !== 'GET')
    .reduce((sum, { value }) => sum + value, 0);
}

describe('the client', () => {
  it('creates, reads, applies, patches, lists and deletes', async () => {
    const created = await client.create(builtin.ConfigMap, configMap('crud', { a: '1' }), me);
    const applied = await client.apply(builtin.ConfigMap, configMap('crud', { b: '2' }), me);
    const patched = await client.mergePatch<ConfigMap>(
      builtin.ConfigMap,
      { namespace, name: 'crud' },
      { data: { a: null } },
      me,
    );
    const { items } = await client.list<ConfigMap>(builtin.ConfigMap, {
      namespace,
      fieldSelector: 'metadata.name=crud',
    });

    expect(applied.data).toEqual({ a: '1', b: '2' });
    expect(patched.data).toEqual({ b: '2' });
    expect(items.map(({ apiVersion, kind, metadata }) => [apiVersion, kind, metadata.uid])).toEqual([
      ['v1', 'ConfigMap', created.metadata.uid],
    ]);

    const key = { namespace, name: 'crud' };
    await expect(client.delete(builtin.ConfigMap, key, { uid: 'another' })).rejects.toMatchObject({ isConflict: true });
    await expect(
      client.delete(builtin.ConfigMap, key, { resourceVersion: created.metadata.resourceVersion ?? '' }),
    ).rejects.toMatchObject({ isConflict: true });
    await client.delete(builtin.ConfigMap, key, { uid: created.metadata.uid ?? '' });
    await client.delete(builtin.ConfigMap, key);
    await expect(client.get(builtin.ConfigMap, key)).rejects.toMatchObject({ isNotFound: true });
  });

  it('lists more than one page', async () => {
    const names = Array.from({ length: 620 }, (_, index) => `page-${index}`);
    for (let at = 0; at < names.length; at += 20) {
      await Promise.all(
        names
          .slice(at, at + 20)
          .map((name) =>
            client.create(
              builtin.ConfigMap,
              { ...configMap(name), metadata: { name, namespace, labels: { test: 'pages' } } },
              me,
            ),
          ),
      );
    }

    const { items } = await client.list(builtin.ConfigMap, { namespace, labelSelector: 'test=pages' });

    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(names.sort());
    await Promise.all(
      items.map(({ metadata }) => client.delete(builtin.ConfigMap, { namespace, name: metadata.name })),
    );
  });

  it('refuses fields that the API does not know, and says which', async () => {
    const wrong = { ...configMap('strict'), dta: { a: '1' } };

    await expect(client.apply(builtin.ConfigMap, wrong, me)).rejects.toThrow('.dta: field not declared in schema');
  });

  it('conflicts with another manager unless it is forced, and says with whom and about what', async () => {
    await client.apply(builtin.ConfigMap, configMap('owned', { a: 'theirs' }), { fieldManager: 'them' });

    await expect(client.apply(builtin.ConfigMap, configMap('owned', { a: 'ours' }), me)).rejects.toMatchObject({
      isConflict: true,
      message: 'Apply failed with 1 conflict: conflict with "them": .data.a',
    });
    const forced = await client.apply(builtin.ConfigMap, configMap('owned', { a: 'ours' }), { ...me, force: true });

    expect(forced.data).toEqual({ a: 'ours' });
  });
});

const openWatch = (resourceVersion: string) =>
  client.watch<ConfigMap>(builtin.ConfigMap, {
    namespace,
    resourceVersion,
    signal: new AbortController().signal,
    timeoutSeconds: 2,
    idleTimeoutMs: 10_000,
  });

async function readWatch(resourceVersion: string): Promise<string[]> {
  const seen: string[] = [];
  for await (const { type, object } of await openWatch(resourceVersion))
    if (type !== 'BOOKMARK') seen.push(`${type} ${object.metadata.name}`);
  return seen;
}

describe('a watch', () => {
  it('brings every change since its version, and ends at its time', async () => {
    const { resourceVersion } = await client.list(builtin.ConfigMap, { namespace });
    await client.create(builtin.ConfigMap, configMap('watched', { a: '1' }), me);
    await client.delete(builtin.ConfigMap, { namespace, name: 'watched' });

    expect(await readWatch(resourceVersion)).toEqual(['ADDED watched', 'DELETED watched']);
  });
});

const statusDeps = () => ({ client, kind: builtin.Job, ...me });
const job = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace },
  spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
});

describe('writeStatus', () => {
  it('writes once, and nothing when the object already has that status', async () => {
    const created = await client.create(builtin.Job, job('status'), me);

    const first = await writeStatus(statusDeps(), created, { active: 1, ready: undefined }, testScope());
    const live = await client.get(builtin.Job, { namespace, name: 'status' });
    const second = await writeStatus(statusDeps(), live, { active: 1 }, testScope());

    expect([first, second]).toEqual([true, false]);
    expect(live.status).toEqual({ active: 1 });
  });

  it('neither brings back what was deleted nor touches a namesake', async () => {
    const old = await client.create(builtin.Job, job('gone'), me);
    await client.delete(builtin.Job, { namespace, name: 'gone' });

    expect(await writeStatus(statusDeps(), old, { active: 1 }, testScope())).toBe(false);
    await expect(client.get(builtin.Job, { namespace, name: 'gone' })).rejects.toMatchObject({ isNotFound: true });

    await client.create(builtin.Job, job('gone'), me);
    await expect(writeStatus(statusDeps(), old, { active: 1 }, testScope())).rejects.toMatchObject({
      isConflict: true,
    });
    expect((await client.get(builtin.Job, { namespace, name: 'gone' })).status).toEqual({});
  });
});

const appliedAnnotation = 'example.dev/applied';
const newOwner = async (name: string) => ({
  kind: builtin.ConfigMap,
  object: await client.create(builtin.ConfigMap, configMap(name), me),
});
const depsFor = (owner: Awaited<ReturnType<typeof newOwner>>, using = client) => ({
  client: using,
  live: () => undefined, // no cache: each look goes to the server, so that the test sees what is there
  owner,
  ...me,
  appliedAnnotation,
});
const child = (name: string, data: Record<string, string>): Child => ({
  kind: builtin.ConfigMap,
  object: configMap(name, data),
});
const get = (name: string) => client.get<ConfigMap>(builtin.ConfigMap, { namespace, name });

describe('applyOwned', () => {
  it('makes a child with its owner, repairs drift, takes fields away, and then writes nothing', async () => {
    const deps = depsFor(await newOwner('owner-1'));

    expect(await applyOwned(deps, [child('child-1', { a: '1', b: '2' })], testScope())).toBe(1);
    expect(await applyOwned(deps, [child('child-1', { a: '1', b: '2' })], testScope())).toBe(0);
    await client.mergePatch(
      builtin.ConfigMap,
      { namespace, name: 'child-1' },
      { data: { a: 'drifted', theirs: '3' } },
      { fieldManager: 'them' },
    );
    expect(await applyOwned(deps, [child('child-1', { a: '1', b: '2' })], testScope())).toBe(1);
    expect((await get('child-1')).data).toEqual({ a: '1', b: '2', theirs: '3' });
    expect(await applyOwned(deps, [child('child-1', { a: '1' })], testScope())).toBe(1);

    const { data, metadata } = await get('child-1');
    expect(data).toEqual({ a: '1', theirs: '3' });
    expect(metadata.ownerReferences).toMatchObject([
      { kind: 'ConfigMap', name: 'owner-1', uid: deps.owner.object.metadata.uid, controller: true },
    ]);
  });

  it('finds a Deployment converged although the server writes much of it in other words', async () => {
    const deps = depsFor(await newOwner('owner-2'));
    const deployment: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'child-2', namespace, labels: { app: 'x' } },
      spec: {
        selector: { matchLabels: { app: 'x' } },
        template: {
          metadata: { labels: { app: 'x' } },
          spec: {
            securityContext: {},
            nodeSelector: {},
            tolerations: [],
            volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1024Mi' } }],
            containers: [
              {
                name: 'c',
                image: 'i',
                env: [
                  { name: 'EMPTY', value: '' },
                  { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                ],
                ports: [{ containerPort: 80 }],
                resources: { limits: { cpu: '1000m', memory: '1.5Gi' } },
                readinessProbe: { httpGet: { path: '/', port: 80 } },
                volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
              },
            ],
          },
        },
      },
    };

    expect(await applyOwned(deps, [{ kind: builtin.Deployment, object: deployment }], testScope())).toBe(1);
    expect(
      await applyOwned(
        depsFor(deps.owner, newClient().client),
        [{ kind: builtin.Deployment, object: deployment }],
        testScope(),
      ),
    ).toBe(0);
  });

  it('does not apply again and again what the server will never store as rendered', async () => {
    const deps = depsFor(await newOwner('owner-3'));
    // the creation time is the server's, whatever we render
    const strange: Child = {
      kind: builtin.ConfigMap,
      object: {
        ...configMap('child-3'),
        metadata: { name: 'child-3', namespace, creationTimestamp: '2020-01-01T00:00:00Z' },
      },
    };

    expect(await applyOwned(deps, [strange], testScope())).toBe(1);
    expect(await applyOwned(deps, [strange], testScope())).toBe(0);
    expect(await applyOwned(deps, [strange], testScope())).toBe(0);
  });

  it('refuses a name that somebody else made or owns, and leaves it as it is', async () => {
    const [first, second] = [depsFor(await newOwner('owner-4')), depsFor(await newOwner('owner-5'))];
    await client.create(builtin.ConfigMap, configMap('by-hand', { a: 'theirs' }), { fieldManager: 'them' });
    await applyOwned(first, [child('taken', { a: 'first' })], testScope());

    await expect(applyOwned(second, [child('by-hand', { a: 'ours' })], testScope())).rejects.toThrow(
      'ConfigMap "default/by-hand" already exists and was not made by this operator. Delete or rename one of the two.',
    );
    const refused = await applyOwned(second, [child('taken', { a: 'second' })], testScope()).catch(
      (cause: unknown) => cause,
    );

    expect(refused).toBeInstanceOf(BlockedError);
    expect(refused).toMatchObject({
      reason: 'NameTaken',
      message: expect.stringContaining('belongs to ConfigMap "owner-4"') as string,
    });
    expect([(await get('by-hand')).data, (await get('taken')).data]).toEqual([{ a: 'theirs' }, { a: 'first' }]);
  });

  it('does not touch what took the name a moment before, although the fields of the two get on', async () => {
    const deps = depsFor(await newOwner('owner-9'));
    const getLate: KubeClient['get'] = async (kind, key, options) => {
      if (key.name === 'owner-9') await client.create(builtin.ConfigMap, configMap('raced', { theirs: '1' }), me);
      return client.get(kind, key, options);
    };

    const racing = { ...client, get: getLate };
    const applying = applyOwned({ ...deps, client: racing }, [child('raced', { a: '1' })], testScope());

    await expect(applying).rejects.toMatchObject({ reason: 'NameTaken' });
    const { data, metadata } = await get('raced');
    expect([data, metadata.ownerReferences, metadata.annotations]).toEqual([{ theirs: '1' }, undefined, undefined]);
  });

  it('makes nothing for an owner that is gone, or was made anew', async () => {
    const owner = await newOwner('owner-10');
    await client.delete(builtin.ConfigMap, { namespace, name: 'owner-10' });
    expect(await applyOwned(depsFor(owner), [child('orphan', {})], testScope())).toBe(0);
    await newOwner('owner-10');
    expect(await applyOwned(depsFor(owner), [child('orphan', {})], testScope())).toBe(0);

    await expect(get('orphan')).rejects.toMatchObject({ isNotFound: true });
  });

  it('does not write into a namesake that took the place of what the cache still shows', async () => {
    const deps = depsFor(await newOwner('owner-6'));
    await applyOwned(deps, [child('child-6', { a: '1' })], testScope());
    const stale = await get('child-6');
    await client.delete(builtin.ConfigMap, { namespace, name: 'child-6' });
    await client.create(builtin.ConfigMap, configMap('child-6', { a: 'theirs' }), { fieldManager: 'them' });

    await expect(
      applyOwned({ ...deps, live: () => stale }, [child('child-6', { a: '2' })], testScope()),
    ).rejects.toMatchObject({ isConflict: true });

    expect((await get('child-6')).data).toEqual({ a: 'theirs' });
  });

  it('prunes what it owns and nothing else', async () => {
    const [mine, other] = [depsFor(await newOwner('owner-7')), depsFor(await newOwner('owner-8'))];
    await applyOwned(mine, [child('keep', {}), child('drop', {})], testScope());
    await applyOwned(other, [child('foreign', {})], testScope());
    const candidates = await Promise.all(
      ['keep', 'drop', 'foreign'].map(async (name) => ({ kind: builtin.ConfigMap, object: await get(name) })),
    );

    const deleted = await pruneOwned(mine, candidates, ({ object }) => object.metadata.name === 'keep', testScope());

    expect(deleted).toBe(1);
    await expect(get('drop')).rejects.toMatchObject({ isNotFound: true });
    expect([(await get('keep')).metadata.name, (await get('foreign')).metadata.name]).toEqual(['keep', 'foreign']);
  });
});

describe('the event recorder', () => {
  it('writes events that kubectl describe shows with their count', async () => {
    const object = await client.create(builtin.ConfigMap, configMap('with-events'), me);
    const recorder = createEventRecorder({
      client,
      component: 'example.dev/operator',
      instance: 'pod-1',
      clock: realClock,
      log: createMemoryLog(),
    });

    for (let i = 0; i < 3; i += 1) {
      recorder.record(object, {
        type: 'Warning',
        reason: 'FileNotFound',
        message: 'no file at path/x',
        action: 'Reading',
      });
      await recorder.flush();
    }

    const { stdout } = await plane.kubectl([
      'get',
      'events.v1.events.k8s.io',
      '-n',
      namespace,
      '--field-selector',
      'regarding.name=with-events',
      '-o',
      'json',
    ]);
    const { items } = JSON.parse(stdout) as { items: { note: string; series?: { count: number } }[] };
    expect(items.map(({ note, series }) => [note, series?.count])).toEqual([['no file at path/x', 3]]);
  });
});

interface Thing extends KubeObject {
  spec?: { size?: number };
  status?: { seen?: number; message?: string };
}
const Thing = defineKind<Thing>({
  group: 'example.dev',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
});
const thing = (name: string): Thing => ({
  apiVersion: 'example.dev/v1',
  kind: 'Thing',
  metadata: { name, namespace },
  spec: { size: 1 },
});
const thingDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { kind: 'Thing', listKind: 'ThingList', plural: 'things', singular: 'thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer' } } },
              status: { type: 'object', properties: { seen: { type: 'integer' }, message: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

const statusOfThing = async (name: string) => (await client.get(Thing, { namespace, name })).status;
const thingDeps = () => ({ client, kind: Thing, fieldManager: 'thing.lifecycle' });

describe('a kind of ones own', () => {
  beforeAll(async () => {
    expect(await plane.kubectl(['apply', '-f', '-'], JSON.stringify(thingDefinition))).toMatchObject({ code: 0 });
    await eventually(
      () =>
        client.list(Thing).then(
          () => true,
          () => false,
        ),
      20_000,
    );
  });

  it('gets its status written, shortened, and left alone when it is the same', async () => {
    const created = await client.create(Thing, thing('t1'), me);
    await writeStatus(thingDeps(), created, { seen: 1, message: 'hello' }, testScope());
    const live = await client.get(Thing, { namespace, name: 't1' });

    expect(live.status).toEqual({ seen: 1, message: 'hello' });
    expect(live.metadata.generation).toBe(1);
    expect(await writeStatus(thingDeps(), live, { message: 'hello', seen: 1 }, testScope())).toBe(false);
    expect(await writeStatus(thingDeps(), live, { seen: 2 }, testScope())).toBe(true);
    expect(await statusOfThing('t1')).toEqual({ seen: 2 });
  });

  it('is neither brought back nor confused with its successor by a late status', async () => {
    const old = await client.create(Thing, thing('t2'), me);
    await client.delete(Thing, { namespace, name: 't2' });
    expect(await writeStatus(thingDeps(), old, { seen: 1 }, testScope())).toBe(false);

    await client.create(Thing, thing('t2'), me);
    const late = await writeStatus(thingDeps(), old, { seen: 1 }, testScope()).catch((cause: unknown) => cause);

    expect(late).toMatchObject({ isConflict: true });
    expect(await statusOfThing('t2')).toBeUndefined();
  });

  it('does not get a status that was computed from an older state of it', async () => {
    const old = await client.create(Thing, thing('t4'), me);
    await client.mergePatch(Thing, { namespace, name: 't4' }, { spec: { size: 2 } }, me);

    await expect(writeStatus(thingDeps(), old, { seen: 1 }, testScope())).rejects.toMatchObject({ isConflict: true });
    expect(await statusOfThing('t4')).toBeUndefined();
  });

  it('is not overwritten by an apply that was meant for its predecessor', async () => {
    const old = await client.create(Thing, thing('t5'), me);
    await client.delete(Thing, { namespace, name: 't5' });
    const late = {
      ...thing('t5'),
      metadata: { name: 't5', namespace, uid: old.metadata.uid ?? '' },
      spec: { size: 9 },
    };
    await expect(client.apply(Thing, late, { ...me, force: true })).rejects.toMatchObject({ isConflict: true });

    await client.create(Thing, thing('t5'), me);
    await expect(client.apply(Thing, late, { ...me, force: true })).rejects.toMatchObject({ isConflict: true });

    expect((await client.get(Thing, { namespace, name: 't5' })).spec).toEqual({ size: 1 });
  });

  it('refuses a status that its schema does not know', async () => {
    const created = await client.create(Thing, thing('t3'), me);

    await expect(writeStatus(thingDeps(), created, { sene: 1 }, testScope())).rejects.toThrow('.status.sene');
  });
});

/** For every ConfigMap labelled `copy`, a ConfigMap `<name>-copy` with its data. */
function addCopier(manager: Manager, using: KubeClient, done: string[] = []): void {
  const originals = manager.cache<ConfigMap>(builtin.ConfigMap, { labelSelector: 'role=original' });
  const copies = manager.cache<ConfigMap>(builtin.ConfigMap, {
    labelSelector: 'role=copy',
    indexes: { owner: byControllerUid },
  });
  manager.addController({
    name: 'copy.test',
    for: originals,
    watches: [watch(copies, toController(builtin.ConfigMap))],
    async reconcile(key, scope) {
      const original = originals.get(key);
      if (original === undefined) return settled();
      const metadata = { name: `${key.name}-copy`, namespace, labels: { role: 'copy' } };
      const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ...original.data } };
      const owner = { kind: builtin.ConfigMap, object: original };
      const live = (_kind: unknown, at: { name: string }) => copies.get({ namespace, name: at.name });
      await applyOwned(
        { client: using, live, owner, fieldManager: 'copy.test', appliedAnnotation: 'example.dev/applied' },
        [{ kind: builtin.ConfigMap, object }],
        scope,
      );
      done.push(key.name);
      return settled();
    },
  });
}

const original = (name: string, value: string) => ({
  ...configMap(name, { value }),
  metadata: { name, namespace, labels: { role: 'original' } },
});
const copyOf = async (name: string) =>
  (await client.get<ConfigMap>(builtin.ConfigMap, { namespace, name: `${name}-copy` }).catch(() => undefined))?.data?.[
    'value'
  ];

describe('a manager', () => {
  it('converges, repairs a deleted and a changed child, and writes nothing at rest or after a restart', async () => {
    const stop = new AbortController();
    const { manager, client: own } = newManager();
    addCopier(manager, own);
    const running = manager.run(stop.signal);

    await client.apply(builtin.ConfigMap, original('m1', 'one'), me);
    await eventually(async () => (await copyOf('m1')) === 'one');
    await client.delete(builtin.ConfigMap, { namespace, name: 'm1-copy' });
    await eventually(async () => (await copyOf('m1')) === 'one');
    await client.mergePatch(builtin.ConfigMap, { namespace, name: 'm1-copy' }, { data: { value: 'drifted' } }, me);
    await eventually(async () => (await copyOf('m1')) === 'one');
    stop.abort();
    await running;

    const restart = new AbortController();
    const second = newManager();
    const done: string[] = [];
    addCopier(second.manager, second.client, done);
    const again = second.manager.run(restart.signal);
    await eventually(() => done.includes('m1'));
    restart.abort();
    await again;

    expect(await writesOf(second.registry)).toBe(0);
  });

  it('goes on after the API server was restarted, and hears what happened meanwhile and after', async () => {
    const stop = new AbortController();
    const { manager, client: own, registry: metrics } = newManager();
    addCopier(manager, own);
    const running = manager.run(stop.signal);
    await client.apply(builtin.ConfigMap, original('m2', 'before'), me);
    await eventually(async () => (await copyOf('m2')) === 'before');

    await plane.restartApiServer();
    // At first it may say that its own caches are not filled.
    await eventually(() =>
      readWatch('1').then(
        () => false,
        (cause: unknown) => cause instanceof KubeApiError && cause.isGone,
      ),
    );
    await eventually(async () => {
      await client.apply(builtin.ConfigMap, original('m2', 'after'), me).catch(() => undefined);
      return (await copyOf('m2')) === 'after';
    }, 60_000);
    await client.delete(builtin.ConfigMap, { namespace, name: 'm2-copy' });
    await eventually(async () => (await copyOf('m2')) === 'after');

    expect(await metrics.metrics()).toMatch(/reflector_failures_total\{kind="configmaps",reason="\w+"\} [1-9]/);
    expect(manager.ready()).toEqual({ ok: true });
    stop.abort();
    await running;
  });

  it('fills its caches by streams, hears what comes after, and makes up what it missed while the server was away', async () => {
    const stop = new AbortController();
    const { client: own, registry: metrics } = newClient();
    let pages = 0;
    const counting: KubeClient = { ...own, list: (...asked) => ((pages += 1), own.list(...asked)) };
    const manager = createManager({
      client: counting,
      log: createMemoryLog(),
      clock: realClock,
      registry: metrics,
      initialLists: 'stream',
    });
    const selector = { labelSelector: 'test=streamed' };
    const cache = manager.cache<ConfigMap>(builtin.ConfigMap, selector);
    const streamed = (name: string) => ({
      ...configMap(name),
      metadata: { name, namespace, labels: { test: 'streamed' } },
    });
    const names = () =>
      cache
        .list()
        .map(({ metadata }) => metadata.name)
        .sort();
    for (const name of ['s1', 's2']) await client.create(builtin.ConfigMap, streamed(name), me);

    const running = manager.run(stop.signal);
    await eventually(() => cache.hasSynced());
    expect([names(), pages]).toEqual([['s1', 's2'], 0]);
    await client.create(builtin.ConfigMap, streamed('s3'), me);
    await eventually(() => names().length === 3);
    await plane.restartApiServer();
    await eventually(
      () =>
        client.delete(builtin.ConfigMap, { namespace, name: 's1' }).then(
          () => true,
          () => false,
        ),
      60_000,
    );
    await eventually(() => names().join() === 's2,s3', 60_000);

    expect(cache.list()).toMatchObject(
      (await client.list(builtin.ConfigMap, { namespace, ...selector })).items.map(
        ({ metadata: { uid, resourceVersion } }) => ({ kind: 'ConfigMap', metadata: { uid, resourceVersion } }),
      ),
    );
    stop.abort();
    await running;
    await own.close();
  });

  it('waits for the lease of another, takes over at once when that one stops, and never works beside it', async () => {
    const lease = { namespace, name: 'test-leader' };
    const [firstStop, secondStop] = [new AbortController(), new AbortController()];
    const [first, second] = [
      newManager({ lease: { ...lease, identity: 'first' } }),
      newManager({ lease: { ...lease, identity: 'second' } }),
    ];
    const [firstDone, secondDone]: [string[], string[]] = [[], []];
    addCopier(first.manager, first.client, firstDone);
    addCopier(second.manager, second.client, secondDone);

    const firstRunning = first.manager.run(firstStop.signal);
    await client.apply(builtin.ConfigMap, original('m3', 'by the first'), me);
    await eventually(() => firstDone.includes('m3'));
    const secondRunning = second.manager.run(secondStop.signal);
    await eventually(() => second.manager.ready().ok);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(secondDone).toEqual([]);

    firstStop.abort();
    await firstRunning;
    const stoppedAt = Date.now();
    const countOfFirst = firstDone.length;
    await client.apply(builtin.ConfigMap, original('m3', 'by the second'), me);
    await eventually(async () => (await copyOf('m3')) === 'by the second');

    expect(Date.now() - stoppedAt).toBeLessThan(12_000); // the lease alone would have held for 15 s
    expect(firstDone).toHaveLength(countOfFirst);
    const held = await client.get(builtin.Lease, { namespace, name: 'test-leader' });
    expect(held.spec).toMatchObject({ holderIdentity: 'second', leaseDurationSeconds: 15, leaseTransitions: 1 });
    secondStop.abort();
    await secondRunning;
    expect((await client.get(builtin.Lease, { namespace, name: 'test-leader' })).spec?.holderIdentity ?? '').toBe('');
  });

  it('stops working and rejects when somebody takes its lease away', async () => {
    const { manager, client: own } = newManager({ lease: { namespace, name: 'stolen', identity: 'me' } });
    const done: string[] = [];
    addCopier(manager, own, done);
    const running = manager.run(new AbortController().signal);
    const outcome = running.catch((cause: unknown) => cause);
    await eventually(() => done.length > 0);

    await client.mergePatch(builtin.Lease, { namespace, name: 'stolen' }, { spec: { holderIdentity: 'thief' } }, me);

    expect(await outcome).toMatchObject({ name: 'LeaseLostError', message: 'the lease is no longer ours' });
    await client.apply(builtin.ConfigMap, original('m4', 'nobody works'), me);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await copyOf('m4')).toBeUndefined();
  });
});

describe('what the API server has', () => {
  const gadgets = defineKind({
    group: 'example.dev',
    version: 'v1',
    kind: 'Gadget',
    plural: 'gadgets',
    namespaced: true,
  });

  it('is asked of it: built-in kinds, and definitions as they come', async () => {
    const discovery = createDiscovery({ client, clock: realClock, missingMs: 0 });
    const { manager, client: own } = newManager();
    manager.cache(gadgets);
    const stop = new AbortController();
    const running = manager.run(stop.signal);

    expect(await discovery.serves(builtin.Deployment)).toBe(true);
    expect(await discovery.serves({ ...builtin.Deployment, version: 'v0' })).toBe(false);
    expect(await discovery.serves(gadgets)).toBe(false);
    await eventually(() => manager.ready().why?.includes('no gadgets of example.dev/v1: install') ?? false);
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(definitionOf(gadgets)));

    await eventually(() => discovery.serves(gadgets));
    await eventually(() => manager.ready().ok, 30_000);
    stop.abort();
    await running;
    await own.close();
  });
});

function definitionOf({ group, version, kind, plural }: KubeKind): object {
  const schema = { openAPIV3Schema: { type: 'object' } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  };
}

it('the metrics of the client have the names of client-go', async () => {
  expect(await registry.metrics()).toMatch(
    /rest_client_requests_total\{code="200",method="PATCH",host="127\.0\.0\.1:\d+"\} \d+/,
  );
});
