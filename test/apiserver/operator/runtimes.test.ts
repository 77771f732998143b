/** Model servers of other people on a real API server: named, missing, changed, and taken away. */
import { builtin } from '@slipway/kube';
import type { Deployment } from '@slipway/kube';
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, DIGEST_A, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'team';
const KEY = { namespace: NS, name: 'flights' };
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  await harness.startOperator().working();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), trees());
});
afterAll(() => harness?.stop());

function trees() {
  const version = modelVersion(NS, 'trees-1', DIGEST_A);
  return { ...version, spec: { artifact: { ...version.spec.artifact, format: 'LightGBM' } } };
}

function runtime(kind: string, name: string, image: string) {
  const spec = { image, formats: [{ name: 'LightGBM' }], ports: { http: 7000 }, env: [{ name: 'A', value: '1' }] };
  const metadata = kind === 'ServingRuntime' ? { name, namespace: NS } : { name };
  return { apiVersion: 'slipway.dev/v1alpha1', kind, metadata, spec };
}

const asks = (kind: string, name: string, more: object = {}) =>
  harness.apply(inferenceService(NS, 'trees-1', { runtime: { kind, name }, ...more }));
const service = () => harness.get<InferenceService>(kinds.InferenceService, KEY);
const deployments = async () => (await harness.client.list<Deployment>(builtin.Deployment, { namespace: NS })).items;

async function readyWith(reason: string) {
  return eventually(`Ready says ${reason}`, async () => {
    const found = await service();
    const ready = found?.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.reason === reason && ready.observedGeneration === found?.metadata.generation ? ready : undefined;
  });
}

async function servesWith(image: string) {
  return eventually(`${image} serves`, async () => {
    const found = await service();
    const isStable = found?.status?.runtime?.image === image && found.status.candidate === undefined;
    return isStable && (found.status?.stable?.ready ?? 0) > 0 ? found : undefined;
  });
}

describe('a service with a runtime of other people', () => {
  it('says that ours does not serve the format, and which runtime there is as soon as there is one', async () => {
    await harness.apply(inferenceService(NS, 'trees-1'));
    const nothing = await readyWith('FormatNotServed');
    expect(nothing.message).toContain('make a ServingRuntime for LightGBM in namespace "team"');

    await harness.apply(runtime('ClusterServingRuntime', 'shared', 'others/shared:1'));
    await eventually('the runtime of the cluster is named', async () => {
      const ready = (await service())?.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.message.includes('spec.runtime: ClusterServingRuntime "shared"');
    });
  });

  it('waits for the one that it names, and serves once that is there', async () => {
    await asks('ServingRuntime', 'trees');
    const missing = await readyWith('RuntimeNotFound');
    expect(missing.message).toContain('There is no ServingRuntime "trees" in namespace "team".');
    expect(await deployments()).toEqual([]);

    await harness.apply(runtime('ServingRuntime', 'trees', 'others/trees:1'));
    const found = await servesWith('others/trees:1');
    expect(found.status?.address).toEqual({ http: 'http://flights.team.svc' });
    const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
    expect(route?.spec.backends[0]?.endpoints).toEqual({
      service: { name: found.status?.stable?.revision },
      httpPort: 7000,
    });
    const [deployment] = await deployments();
    expect(deployment?.spec?.template.spec?.containers[0]).toMatchObject({
      image: 'others/trees:1',
      env: expect.arrayContaining([
        { name: 'SLIPWAY_MODEL_DIR', value: '/models/flights/1' },
        { name: 'A', value: '1' },
      ]),
    });
  });

  it('keeps to what it has when the runtime changes, and takes the new one when it is refreshed', async () => {
    const [before] = await deployments();
    await harness.apply(runtime('ServingRuntime', 'trees', 'others/trees:2'));
    await eventually('the status tells of the newer image', async () => {
      return (await service())?.status?.runtime?.behind === 'others/trees:2';
    });
    expect(await deployments()).toMatchObject([{ metadata: { uid: before?.metadata.uid, generation: 1 } }]);

    await asks('ServingRuntime', 'trees', { refresh: 'newer' });
    expect((await servesWith('others/trees:2')).status?.runtime).toEqual({ image: 'others/trees:2' });
  });

  it('goes on serving when the runtime is deleted', async () => {
    await harness.client.delete(kinds.ServingRuntime, { namespace: NS, name: 'trees' });
    // The operator has seen that: it says what a new revision would wait for.
    await harness.apply(
      inferenceService(NS, 'trees-1', { runtime: { kind: 'ServingRuntime', name: 'trees' }, refresh: 'x' }),
    );
    await readyWith('RuntimeNotFound');
    expect((await servesWith('others/trees:2')).status?.stable?.ready).toBe(1);

    await asks('ServingRuntime', 'trees', { refresh: 'newer' });
    await readyWith('UpToDate');
  });

  it('says which path of its pods is not allowed, and what the API server says of a value', async () => {
    const says = (spec: object) => asks('ServingRuntime', 'trees', { refresh: 'newer', pod: { spec } });
    await asks('ClusterServingRuntime', 'shared', { pod: { spec: { hostNetwork: true } } });
    const refused = await readyWith('PodFieldNotAllowed');
    expect(refused.message).toContain('spec.pod.spec.hostNetwork is not allowed. Allowed in spec.pod: ');

    await harness.apply(runtime('ServingRuntime', 'trees', 'others/trees:3'));
    await says({ tolerations: [{ key: 'gpu', operator: 'Maybe' }] });
    expect((await readyWith('Invalid')).message).toContain('operator');

    await says({ tolerations: [{ key: 'gpu', operator: 'Exists' }] });
    await servesWith('others/trees:3');
    const pods = (await deployments()).map(({ spec }) => spec?.template.spec?.tolerations);
    expect(pods).toContainEqual([{ key: 'gpu', operator: 'Exists' }]);
  });

  it('changes to a runtime of the cluster', async () => {
    await asks('ClusterServingRuntime', 'shared');
    await servesWith('others/shared:1');
  });
});
