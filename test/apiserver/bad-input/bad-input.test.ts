/** A person's mistakes: each is told within seconds, in words that help and hide what they must, and mended by YAML alone. */
import { builtin } from '@slipway/kube';
import type { DeepReadonly, KubeObject, Pod } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import type { PodFate } from '../operator/kubelet.ts';
import { claim, namespaceNamed, store } from '../operator/objects.ts';
import { code, dataset, featureSet, model, script } from '../operator-data/objects.ts';
import { BAD_INPUTS, SECRET } from './cases.ts';
import type { BadInput } from './cases.ts';

type Condition = { type: string; status: string; reason: string; message: string };
type WithStatus = KubeObject & { status?: { observedGeneration?: number; conditions?: Condition[] } };

const TOLD_WITHIN_SECONDS = 20;
const MENDED_WITHIN_SECONDS = 40;

let harness: Harness;
/** By namespace; gone once the bytes are put right. */
const fates = new Map<string, NonNullable<BadInput['fate']>>();

beforeAll(async () => {
  harness = await startHarness(script(fateOf));
  await harness.startOperator().working();
});
afterAll(() => harness?.stop());

function fateOf(pod: DeepReadonly<Pod>): PodFate | undefined {
  const fate = fates.get(pod.metadata.namespace ?? '');
  if (fate !== undefined && `${pod.metadata.name} ${JSON.stringify(pod.spec)}`.includes(fate.of)) return fate.is;
  const isServer = pod.metadata.labels?.['slipway.dev/inferenceservice'] !== undefined;
  return isServer ? { kind: 'run', ready: true } : undefined;
}

describe.concurrent('bad input', () => {
  it.each(BAD_INPUTS.map((one, index) => ({ ...one, namespace: `case-${index}` })))(
    '$kind.kind: $what says $reason, and is mended without deleting anything',
    async (one) => {
      await prepare(one.namespace, one.after);
      if (one.fate !== undefined) fates.set(one.namespace, one.fate);
      await harness.apply(...one.wrong(one.namespace));

      const told = await readyOf(one, 'False', one.reason);
      expect(told.message).toContain(one.says);
      const event = await warning(one);
      expect(event.note).toContain(one.says);
      await nothingLeaks(one.namespace);
      const { metadata } = await objectOf(one);

      if (one.mended === undefined) fates.delete(one.namespace);
      else await harness.apply(...one.mended(one.namespace));
      await readyOf(one, 'True');
      expect((await objectOf(one)).metadata.uid).toBe(metadata.uid);
    },
  );
});

async function prepare(namespace: string, after: BadInput['after']): Promise<void> {
  const features = after === undefined ? [] : [featureSet(namespace)];
  const training = after === 'training' ? [dataset(namespace), model(namespace), code(namespace)] : [];
  await harness.apply(namespaceNamed(namespace), claim(namespace), store(namespace), ...features, ...training);
  if (after === undefined) return;
  const waitsFor =
    after === 'training' ? { kind: kinds.Dataset, name: 'flights' } : { kind: kinds.FeatureSet, name: 'weather' };
  await readyOf({ ...waitsFor, namespace }, 'True');
}

type Subject = Pick<BadInput, 'kind' | 'name'> & { readonly namespace: string };

async function objectOf({ kind, name, namespace }: Subject): Promise<WithStatus> {
  return (await harness.client.get(kind, { namespace, name })) as WithStatus;
}

/** The condition Ready once it says so about the spec of now. */
async function readyOf(subject: Subject, status: 'True' | 'False', reason?: string): Promise<Condition> {
  const seconds = status === 'True' ? MENDED_WITHIN_SECONDS : TOLD_WITHIN_SECONDS;
  let seen: unknown;
  const what = `${subject.kind.kind} ${subject.name}: Ready=${status} ${reason ?? ''}`;
  const look = async () => {
    const object = await objectOf(subject);
    seen = object.status;
    if (object.status?.observedGeneration !== object.metadata.generation) return undefined;
    const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === status && (reason === undefined || ready.reason === reason) ? ready : undefined;
  };
  return eventually(what, look, seconds).catch((cause: unknown) => {
    throw new Error(`${String(cause)}; last seen: ${JSON.stringify(seen)}`);
  });
}

/** Events are written beside the work, so they come a moment after it. */
async function warning({ kind, name, namespace, reason }: Subject & Pick<BadInput, 'reason'>) {
  return eventually(`a Warning ${reason}`, async () =>
    (await harness.client.list(builtin.Event, { namespace })).items.find(
      (event) =>
        event.type === 'Warning' &&
        event.reason === reason &&
        event.regarding?.kind === kind.kind &&
        event.regarding.name === name,
    ),
  );
}

/** Where pods mount a Store is no business of people, who know it by its name; what is secret is nobody's. */
async function nothingLeaks(namespace: string): Promise<void> {
  const events = (await harness.client.list(builtin.Event, { namespace })).items.map(({ note }) => note);
  const ours = await Promise.all(
    Object.values(kinds).map((kind) => harness.client.list(kind as BadInput['kind'], { namespace })),
  );
  const statuses = ours.flatMap(({ items }) => items.map((object) => (object as WithStatus).status));
  const told = JSON.stringify([events, statuses]);
  expect(told).not.toContain('/stores/');
  expect(told).not.toContain(SECRET);
}
