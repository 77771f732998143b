/** Old versions of a Model go, and none that somebody uses or may go back to. */
import type { InferenceService } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { champion, claim, delayModel, delayVersion, inferenceService, namespaceNamed, store } from './objects.ts';

const NS = 'keeps';
/** The garbage collector of Kubernetes may take half a minute to know kinds that are new, and collects nothing until then. */
const MOST_SECONDS = 90;
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  harness.startOperator();
  await harness.apply(
    namespaceNamed(NS),
    claim(NS),
    store(NS),
    delayModel(NS, {}),
    ...[1, 2, 3, 4, 5].map((number) => delayVersion(NS, number)),
  );
  await harness.apply(champion(NS, 'delay-2'), inferenceService(NS, 'delay-1'));
  await serves('delay-1');
}, 120_000);
afterAll(() => harness?.stop());

async function serves(name: string) {
  await eventually(`${name} serves`, async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
    const isUpToDate = found?.status?.conditions?.some(({ type, status }) => type === 'UpToDate' && status === 'True');
    return isUpToDate === true && found?.status?.stable?.modelVersion === name;
  });
}

async function versionsAre(...numbers: readonly number[]) {
  const wanted = numbers.map((number) => `delay-${number}`).join();
  await eventually(
    `the versions are ${wanted}`,
    async () => {
      const { items } = await harness.client.list(kinds.ModelVersion, { namespace: NS });
      return items.map(({ metadata }) => metadata.name).join() === wanted;
    },
    MOST_SECONDS,
  );
}

it('deletes what is older than those that are kept, and says so', async () => {
  await harness.apply(delayModel(NS, { retention: { keepLast: 2 } }));
  await versionsAre(1, 2, 4, 5);
  await eventually('the Event', async () => {
    const { items } = await harness.client.list(builtin.Event, { namespace: NS });
    return items.some(({ reason, note, regarding }) => {
      return reason === 'VersionRetired' && regarding?.name === 'delay' && note?.includes('"delay-3" was deleted');
    });
  });
}, 120_000);

it('deletes what an alias meant, once it means another', async () => {
  await harness.apply(champion(NS, 'delay-5'));
  await versionsAre(1, 4, 5);
}, 120_000);

it('keeps what a service has served before, for as long as there is that service', async () => {
  await harness.apply(inferenceService(NS, 'delay-5'));
  await serves('delay-5');
  await harness.apply(delayVersion(NS, 6));
  await versionsAre(1, 5, 6);

  await harness.client.delete(kinds.InferenceService, { namespace: NS, name: 'flights' });
  await versionsAre(5, 6);
}, 240_000);
