/** An install that may look into two namespaces only, without any right in the whole cluster. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const MINE = ['team-a', 'team-b'];
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript, { namespaces: MINE });
});
afterAll(() => harness?.stop());

it('serves in its namespaces, leaves others alone, and asks for nothing that it may not have', async () => {
  const operator = harness.startOperator({ SLIPWAY_NAMESPACES: MINE.join(',') });
  await operator.working();
  await harness.apply(namespaceNamed('elsewhere'));
  for (const namespace of [...MINE, 'elsewhere']) {
    await harness.apply(claim(namespace), store(namespace), modelVersion(namespace, 'delay-1'));
    await harness.apply(inferenceService(namespace, 'delay-1'));
  }
  for (const namespace of MINE) {
    await eventually(`flights serves in ${namespace}`, async () => {
      const found = await harness.get(kinds.InferenceService, { namespace, name: 'flights' });
      return found?.status?.conditions?.some(({ type, status }) => type === 'Serving' && status === 'True');
    });
  }
  const outside = await harness.get(kinds.InferenceService, { namespace: 'elsewhere', name: 'flights' });
  expect(outside?.status).toEqual({ observedGeneration: -1 });
  expect(operator.output()).not.toMatch(/forbidden|Forbidden/);
});
