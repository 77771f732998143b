/** A version that callers cannot call as they call the one before it: told before any traffic moves, and refused on demand. */
import type { InferenceService, ModelVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Pod } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import type { PodFate } from './kubelet.ts';
import {
  champion,
  claim,
  delayModel,
  delayVersion,
  DIGEST_A,
  inferenceService,
  namespaceNamed,
  store,
} from './objects.ts';

const NS = 'callers';
const BREAKS =
  'Who calls ModelVersion "delay-1", which serves now, cannot call ModelVersion "delay-2" the same way. Input "x" had the shape [-1, 5], and has [-1, 6].';
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(fateOf);
  harness.startOperator();
  await harness.apply(
    namespaceNamed(NS),
    claim(NS),
    store(NS),
    delayModel(NS, { compatibility: 'Refuse' }),
    delayVersion(NS, 1),
    delayVersion(NS, 2),
    delayVersion(NS, 3),
  );
}, 120_000);
afterAll(() => harness?.stop());

/** delay-2 takes one column more than the others. */
function fateOf(pod: DeepReadonly<Pod>): PodFate {
  const batch = pod.spec?.containers[0];
  if (batch?.name !== 'batch') return { kind: 'run', ready: true };
  const columns = batch.env?.[0]?.value?.includes('delay-2') === true ? 6 : 5;
  const inputs = [{ name: 'x', dtype: 'Float32', shape: [-1, columns] }];
  const signature = { inputs, outputs: [] };
  return { kind: 'succeed', message: JSON.stringify({ ok: true, digest: DIGEST_A, bytes: 42, signature }) };
}

async function becomes(name: string, told: string) {
  return eventually(`${name} is ${told}`, async () => {
    const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name });
    const { status, reason, message } = found?.status?.conditions?.find(({ type }) => type === 'Compatible') ?? {};
    return `${status} ${reason}` === told ? message : undefined;
  });
}

async function serviceSays(what: string, says: (service: InferenceService) => boolean): Promise<InferenceService> {
  return eventually(what, async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
    return found !== undefined && says(found) && found;
  });
}

const condition = ({ status }: InferenceService, type: string) => status?.conditions?.find((one) => one.type === type);

describe('the signature of a version', () => {
  it('is compared with that of the version before it', async () => {
    await becomes('delay-1', 'True NothingToCompare');
    expect(await becomes('delay-2', 'False IncompatibleSignature')).toBe(
      'Who calls ModelVersion "delay-1" cannot call it the same way. Input "x" had the shape [-1, 5], and has [-1, 6].',
    );
    await becomes('delay-3', 'False IncompatibleSignature');
  }, 60_000);

  it('is compared with that of the champion, where there is one', async () => {
    await harness.apply(champion(NS, 'delay-1'));
    expect(await becomes('delay-3', 'True SignatureCompatible')).toContain('"delay-1" (champion)');
    await becomes('delay-2', 'False IncompatibleSignature');
  }, 60_000);
});

describe('a service', () => {
  it('does not change to such a version where the Model refuses it', async () => {
    await harness.apply(inferenceService(NS, 'delay-1'));
    await serviceSays('delay-1 serves', (one) => condition(one, 'UpToDate')?.status === 'True');
    await harness.apply(inferenceService(NS, 'delay-2'));
    const refused = await serviceSays('the change is refused', (one) => {
      return condition(one, 'Stalled')?.reason === 'VersionNotServable';
    });
    expect(condition(refused, 'Stalled')?.message).toContain(`${BREAKS} Model "delay" refuses that`);
    const { items } = await harness.client.list(builtin.Deployment, { namespace: NS });
    expect(items.map(({ metadata }) => metadata.labels?.['slipway.dev/modelversion'])).toEqual(['delay-1']);
    expect(condition(refused, 'Serving')?.status).toBe('True');
  }, 60_000);

  it('changes where the Model only warns, and tells of it', async () => {
    await harness.apply(delayModel(NS, { compatibility: 'Warn' }));
    await serviceSays('delay-2 serves', (one) => {
      return condition(one, 'UpToDate')?.status === 'True' && one.status?.stable?.modelVersion === 'delay-2';
    });
    await eventually('the Event', async () => {
      const { items } = await harness.client.list(builtin.Event, { namespace: NS });
      return items.some(({ reason, note, type }) => {
        return reason === 'IncompatibleSignature' && type === 'Warning' && note === BREAKS;
      });
    });
  }, 60_000);
});
