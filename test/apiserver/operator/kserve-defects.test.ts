/**
 * What other operators get wrong when a service changes its version, one test each; KServe's canaries without Knative (0.20 and
 * 0.21) did all of it when we read them. Each is named after what has to be so instead.
 */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Deployment, Pod } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import type { PodScript } from './kubelet.ts';
import { claim, DIGEST_A, inferenceService, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const NS = 'defects';
const KEY = { namespace: NS, name: 'flights' };
const scaling = { scaling: { replicas: 3 } };
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(script({}));
  await harness.startOperator().working();
  await harness.apply(
    namespaceNamed(NS),
    claim(NS),
    store(NS),
    modelVersion(NS, 'delay-1'),
    modelVersion(NS, 'delay-2'),
  );
});
afterAll(() => harness?.stop());

const versionOf = (pod: DeepReadonly<Pod>) => pod.metadata.labels?.['slipway.dev/modelversion'] ?? '';

/** By version: how many of its pods become ready; all where nothing is said. */
function script(ready: Readonly<Record<string, number>>): PodScript {
  const chosen = new Map<string, Set<string>>();
  return (pod) => {
    if (pod.spec?.containers[0]?.name === 'batch') return { kind: 'succeed', message: verified(DIGEST_A) };
    const names = chosen.get(versionOf(pod)) ?? new Set<string>();
    chosen.set(versionOf(pod), names);
    if (names.size < (ready[versionOf(pod)] ?? Infinity)) names.add(pod.metadata.name);
    return { kind: 'run', ready: names.has(pod.metadata.name) };
  };
}

async function service(): Promise<InferenceService> {
  const found = await harness.get<InferenceService>(kinds.InferenceService, KEY);
  if (found === undefined) throw new Error('there is no service');
  return found;
}

async function becomes(what: string, isSo: (status: NonNullable<InferenceService['status']>) => boolean) {
  return eventually(what, async () => {
    const found = await service();
    return found.status !== undefined && isSo(found.status) && found.status;
  });
}

/** Changes nothing but the generation, which tells when the operator has looked at all that is there. */
async function lookedAtAgain(min: number) {
  await harness.apply(inferenceService(NS, 'delay-2', { scaling: { ...scaling.scaling, min } }));
  const { generation } = (await service()).metadata;
  return becomes('it was looked at', ({ observedGeneration }) => observedGeneration === generation);
}

async function serves(version: string) {
  return becomes(`${version} serves`, ({ conditions, stable }) => {
    const ready = conditions?.find(({ type }) => type === 'Ready');
    return stable?.modelVersion === version && `${ready?.status} ${ready?.reason}` === 'True UpToDate';
  });
}

/** By version, as the TrafficRoute asks for them. */
async function askedWeights(): Promise<Record<string, number>> {
  const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
  return byVersion(route?.spec.backends ?? []);
}

interface AppliedRoute {
  readonly name: string;
  readonly sequence: number;
  readonly backends: readonly { readonly revision: string; readonly weight: number; readonly endpoints: number }[];
}

async function appliedRoute(): Promise<AppliedRoute | undefined> {
  const response = await fetch(`http://127.0.0.1:${harness.gateway.ports.admin}/routes`);
  const { routes } = (await response.json()) as { routes: readonly AppliedRoute[] };
  return routes.find(({ name }) => name === KEY.name);
}

async function byVersion(
  backends: readonly { readonly revision: string; readonly weight: number }[],
): Promise<Record<string, number>> {
  const { items } = await harness.client.list(builtin.ControllerRevision, { namespace: NS });
  const version = (name: string) =>
    items.find(({ metadata }) => metadata.name === name)?.metadata.labels?.['slipway.dev/modelversion'] ?? name;
  return Object.fromEntries(backends.map(({ revision, weight }) => [version(revision), weight]));
}

/** By version. */
async function deployments(): Promise<Record<string, Deployment>> {
  const { items } = await harness.client.list(builtin.Deployment, { namespace: NS });
  return Object.fromEntries(items.map((one) => [one.metadata.labels?.['slipway.dev/modelversion'] ?? '', one]));
}

describe('a service', () => {
  it('with a field that would do nothing is refused', async () => {
    const object = inferenceService(NS, 'delay-1', { canaryTrafficPercent: 10 });
    const { code, stderr } = await harness.plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));

    expect([code, stderr]).toEqual([1, expect.stringContaining('unknown field "spec.canaryTrafficPercent"')]);
  });

  it('is Ready only when the gateways know where its requests go', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', scaling));
    await serves('delay-1');

    const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
    expect((await appliedRoute())?.sequence).toBe(route?.spec.sequence);
  });
});

describe('a change', () => {
  it('gives one ready pod of three no traffic', async () => {
    harness.kubelet.follow(script({ 'delay-2': 1 }));
    await harness.apply(inferenceService(NS, 'delay-2', scaling));
    await becomes('one pod of the candidate answers', ({ candidate }) => candidate?.ready === 1);
    await eventually('the gateway could send it requests', async () => {
      return (await appliedRoute())?.backends.some(({ endpoints, weight }) => weight === 0 && endpoints === 1);
    });
    const status = await lookedAtAgain(1);

    expect(status.stable).toMatchObject({ modelVersion: 'delay-1', ready: 3 });
    expect(await askedWeights()).toEqual({ 'delay-1': 100, 'delay-2': 0 });
    expect(await byVersion((await appliedRoute())?.backends ?? [])).toEqual({ 'delay-1': 100, 'delay-2': 0 });
  });

  it('takes no pods from what serves, and gives the candidate as many', async () => {
    const { 'delay-1': old, 'delay-2': next } = await deployments();

    expect([old?.spec?.replicas, next?.spec?.replicas]).toEqual([3, 3]);
    await becomes('all six are counted', ({ replicas }) => replicas === 6);
  });

  it('says of traffic what the gateways apply, not what they were asked for', async () => {
    harness.gateway.process.kill('SIGSTOP');
    harness.kubelet.follow(script({}));
    await eventually('the route asks for delay-2', async () => (await askedWeights())['delay-2'] === 100);
    const status = await lookedAtAgain(2);

    expect(await askedWeights()).toEqual({ 'delay-1': 0, 'delay-2': 100 });
    expect(status.stable?.modelVersion).toBe('delay-1');
    expect(status.conditions?.find(({ type }) => type === 'UpToDate')?.status).toBe('False');
    expect((await deployments())['delay-1']?.spec?.replicas).toBe(3);
  }, 60_000);

  it('goes on when the gateways do, and only then ends what served', async () => {
    harness.gateway.process.kill('SIGCONT');
    await serves('delay-2');
    await eventually('delay-1 is gone', async () => (await deployments())['delay-1'] === undefined);

    expect(await byVersion((await appliedRoute())?.backends ?? [])).toEqual({ 'delay-2': 100 });
  }, 60_000);
});

describe('the status', () => {
  it('counts the pods that are there, and apart from them those that answer', async () => {
    harness.kubelet.follow(script({ 'delay-2': 1 }));
    const status = await becomes('one pod answers', ({ stable, replicas }) => stable?.ready === 1 && replicas === 3);

    expect(status.stable?.modelVersion).toBe('delay-2');
    expect(status.conditions?.find(({ type }) => type === 'Serving')?.status).toBe('True');
  }, 60_000);

  it('speaks of the generation of the service, not of its Deployment', async () => {
    const before = (await deployments())['delay-2'];
    const scale = ['scale', '-n', NS, `deployment/${before?.metadata.name}`];
    for (const replicas of [5, 6]) {
      expect((await harness.plane.kubectl([...scale, `--replicas=${replicas}`])).code).toBe(0);
      await eventually('it has three pods again', async () => (await deployments())['delay-2']?.spec?.replicas === 3);
    }
    const { metadata, status } = await service();

    expect((await deployments())['delay-2']?.metadata.generation).toBeGreaterThan(metadata.generation ?? 0);
    expect(status?.observedGeneration).toBe(metadata.generation);
  }, 120_000);
});
