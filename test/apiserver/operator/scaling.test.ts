/** How many pods a service has: chosen by the operator from what a real gateway counts, written where `kubectl scale` writes. */
import { get } from 'node:http';
import { builtin } from '@slipway/kube';
import type { Deployment } from '@slipway/kube';
import type { InferenceService } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import type { PodScript } from './kubelet.ts';
import { claim, DIGEST_A, inferenceService, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const NS = 'scaling';
const SCALING = { min: 0, max: 5, target: { concurrency: 4 }, idleAfter: '10s' };
let harness: Harness;
let operator: OperatorProcess;

beforeAll(async () => {
  harness = await startHarness(script({ ready: true }));
  operator = harness.startOperator();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), modelVersion(NS, 'delay-1'));
});
afterAll(() => harness?.stop());

/** While pods are not ready, requests wait. */
function script({ ready }: { readonly ready: boolean }): PodScript {
  return (pod) => {
    const isBatch = pod.spec?.containers[0]?.name === 'batch';
    return isBatch ? { kind: 'succeed', message: verified(DIGEST_A) } : { kind: 'run', ready };
  };
}

async function service(): Promise<InferenceService | undefined> {
  return harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
}

async function becomes(told: string): Promise<void> {
  await eventually(`the service is ${told}`, async () => {
    const conditions = (await service())?.status?.conditions ?? [];
    return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === told);
  });
}

async function deployment(): Promise<Deployment | undefined> {
  return (await harness.client.list(builtin.Deployment, { namespace: NS })).items[0];
}

async function hasPods(count: number): Promise<void> {
  await eventually(`${count} pods are asked for`, async () => {
    const [asked, made] = [(await service())?.spec.scaling.replicas, (await deployment())?.spec?.replicas];
    return asked === count && made === count;
  });
}

async function tells(what: RegExp): Promise<void> {
  await eventually(`an Event says ${what}`, async () => {
    const { items } = await harness.client.list(builtin.Event, { namespace: NS });
    return items.some(({ reason, note = '' }) => reason === 'Scaled' && what.test(note));
  });
}

/** Returns how to take the requests back. */
function ask(count: number): () => void {
  const headers = { host: `flights.${NS}.svc` };
  const { data } = harness.gateway.ports;
  const requests = Array.from({ length: count }, () =>
    get({ port: data, path: '/v2/models/flights', headers, agent: false }, (response) => response.resume()).on(
      'error',
      () => undefined,
    ),
  );
  return () => requests.forEach((request) => request.destroy());
}

describe('a service that may go to zero', () => {
  it('does so once its pod has answered and nobody asks, and still counts as one that serves', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', { scaling: SCALING }));
    await becomes('Ready True UpToDate');
    await hasPods(0);
    await becomes('Ready True ScaledToZero');
    await becomes('Serving True ScaledToZero');
  }, 60_000);

  it('has pods again for requests that wait, as many as they need, and tells why', async () => {
    harness.kubelet.follow(script({ ready: false }));
    const stop = ask(12);
    await hasPods(3);
    stop();
    await tells(/^From 1 to 0 pods: no request for 10 seconds\.$/);
    // The first requests may still go to the pod that ends.
    await tells(/^From 0 to \d pods?: (?:\d+ requests? waits? for a pod|it is asked again)\.$/);
  }, 60_000);

  it('goes on when the operator was killed while it had no pods', async () => {
    await hasPods(0);
    await operator.kill();
    const stop = ask(1);
    operator = harness.startOperator();
    await hasPods(1);
    stop();
  }, 90_000);
});

describe('a service with a target', () => {
  it('keeps its pods when its spec is replaced by one that does not name their number', async () => {
    const stop = ask(16);
    await hasPods(4);
    const before = await deployment();
    const replaced = inferenceService(NS, 'delay-1', { scaling: SCALING });
    const { code, stderr } = await harness.plane.kubectl(['replace', '-f', '-'], JSON.stringify(replaced));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    await hasPods(4);
    const after = await deployment();
    expect(after?.metadata.generation).toBe(before?.metadata.generation);
    stop();
  }, 60_000);

  it('has no more than max, from the moment that this is lowered', async () => {
    const stop = ask(16);
    await harness.apply(inferenceService(NS, 'delay-1', { scaling: { ...SCALING, max: 2 } }));
    await hasPods(2);
    stop();
  }, 60_000);

  it('follows people alone once the target is gone', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', { scaling: { min: null, idleAfter: null, target: null } }));
    const { stderr } = await harness.plane.kubectl(['scale', '-n', NS, 'slis/flights', '--replicas=1']);
    expect(stderr).toBe('');
    await hasPods(1);
  }, 60_000);

  it("follows Kubernetes' own autoscaler, which finds it by the scale subresource", async () => {
    const reference = { apiVersion: 'slipway.dev/v1alpha1', kind: 'InferenceService', name: 'flights' };
    await harness.apply({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'flights', namespace: NS },
      spec: { scaleTargetRef: reference, minReplicas: 2, maxReplicas: 4 },
    });
    await hasPods(2);
  }, 60_000);
});
