/** Wrong specs of every kind at once, beside objects that must not notice; then all of them are mended. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '@slipway/crds';
import { sample } from 'fast-check';
import { structuralSchema } from '../../../crds/src/generate/structural-schema.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import type { Workload, World } from '../driver/workload.ts';
import { applyModelVersion, serveFirstVersion } from '../workloads/serve.ts';
import { dataset, featureSet, trainingSpec } from '../workloads/train.ts';
import { specsNear } from './specs-near.ts';

/** Of all trainings. */
export const MODEL = 'spare';
const artifact = { path: 'models/fuzz', digest: DIGESTS.two, format: 'Onnx' };
const GOOD: Readonly<Record<string, object>> = {
  Store: { uri: 'pvc://lake/fuzz' },
  FeatureSet: featureSet,
  Dataset: dataset,
  DatasetVersion: {
    dataset: { name: 'nobody' },
    number: 1,
    recipe: 'r',
    artifact: { store: { name: 'default' }, path: 'datasets/x', digest: DIGESTS.dataset, bytes: 1 },
    rows: { train: 1, validation: 2, test: 3 },
  },
  Model: {},
  TrainingJob: { ...trainingSpec, output: { model: { name: MODEL } } },
  ModelVersion: { artifact },
  Approval: { modelVersion: { name: 'spare-1' }, decision: 'Approved', by: 'ana' },
  ModelAlias: { model: { name: MODEL }, modelVersion: { name: 'spare-2' }, by: 'ana' },
  InferenceService: { modelVersion: { name: 'spare-1' } },
  ModelRollout: { inferenceService: { name: 'nobody' }, to: { revision: 'nobody-1' }, cause: 'Undo' },
};

/** Some kinds are called after what they speak of. */
function nameOf(kind: string, number: number): string {
  if (kind === 'ModelAlias') return `${MODEL}.${aliasOf(number)}`;
  if (kind === 'ModelRollout') return `fuzz-${number}-undo`;
  return kind === 'Approval' ? `spare-1.fuzz-${number}` : `fuzz-${kind.toLowerCase()}-${number}`;
}

function aliasOf(number: number): string {
  return `fuzz-${number}`;
}

function goodSpec(kind: string, number: number): object {
  const good = GOOD[kind];
  if (good === undefined) throw new Error(`fuzz-workload.ts has no good spec of ${kind}`);
  return kind === 'ModelAlias' ? { ...good, alias: aliasOf(number) } : good;
}

/** What a mended one says, where that is not Ready: there is no service for the Undo to go back in. */
const MENDED: Readonly<Record<string, string>> = { TrainingJob: 'Succeeded', ModelRollout: 'Stalled' };

const PER_KIND = 4;
const GONE_MS = 30_000;
const BESIDE = 'what must not notice';

export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
  /** What mends it. */
  readonly good: object;
}

/** The same for the same seed. */
export function fuzzed(seed: number): readonly Subject[] {
  // Of a kind without a status nobody says how it is: the API server's word is all there is.
  const spoken = KINDS.filter(({ status }) => status !== undefined);
  return spoken.flatMap(({ kind, spec }) => {
    const numbers = Array.from({ length: PER_KIND }, (_, index) => index + 1);
    return numbers.flatMap((number) => {
      const good = goodSpec(kind, number);
      const specs = sample(specsNear(structuralSchema(spec), good), { numRuns: PER_KIND, seed });
      return specs.slice(number - 1, number).map((each) => ({ kind, name: nameOf(kind, number), spec: each, good }));
    });
  });
}

export function fuzzWorkload(seed: number): Workload {
  const subjects = fuzzed(seed);
  return {
    name: `fuzz ${seed}`,
    steps: [
      {
        name: BESIDE,
        async act(world) {
          await serveFirstVersion.act(world);
          await world.apply('FeatureSet', 'weather', { spec: featureSet });
          await world.apply('Dataset', 'flights', { spec: dataset });
        },
        pending: (world) =>
          firstOf(
            serveFirstVersion.pending(world),
            awaitsCondition(world.get('FeatureSet', 'weather'), 'Ready', 'True'),
            awaitsCondition(world.get('Dataset', 'flights'), 'Ready', 'True'),
          ),
      },
      {
        name: 'apply what may be wrong',
        restores: BESIDE,
        async act(world) {
          await applyModelVersion(world, 'spare-1', DIGESTS.one);
          await world.apply('Model', MODEL, { spec: {} });
          await world.apply('ModelVersion', 'spare-2', { spec: { model: { name: MODEL }, artifact } });
          for (const subject of subjects) await applyUnlessRefused(world, subject);
        },
        pending: (world) => firstOf(...subjects.map(({ kind, name }) => awaitsWord(world, kind, name))),
      },
      {
        name: 'mend it',
        restores: BESIDE,
        async act(world) {
          for (const subject of subjects) await mend(world, subject);
        },
        pending: (world) =>
          firstOf(
            ...subjects.map(({ kind, name }) =>
              awaitsCondition(world.get(kind, name), MENDED[kind] ?? 'Ready', 'True'),
            ),
          ),
      },
    ],
  };
}

/** As the API server says that a spec is wrong; 500 is its code where a field has another type or is unknown. */
const REFUSAL = / was refused with (400|422|500: failed to create typed patch object)/;

async function applyUnlessRefused(
  world: World,
  { kind, name, spec }: Pick<Subject, 'kind' | 'name' | 'spec'>,
): Promise<boolean> {
  try {
    await world.apply(kind, name, { spec });
    return true;
  } catch (cause) {
    if (!REFUSAL.test(String(cause))) throw cause; // anything else that it answers is news
    return false;
  }
}

/** An immutable one is made anew. */
async function mend(world: World, { kind, name, good }: Subject): Promise<void> {
  if (await applyUnlessRefused(world, { kind, name, spec: good })) return;
  await world.delete(kind, name);
  const deadline = performance.now() + GONE_MS;
  while (world.get(kind, name) !== undefined) {
    if (performance.now() > deadline) throw new Error(`${kind} ${name} was deleted and does not go`);
    await sleep(50);
  }
  await world.apply(kind, name, { spec: good });
}

const REASONS = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'reasons.md'), 'utf8');

/** Why the operator has not yet said, of the present spec and in a word that is documented, how an object is. */
function awaitsWord(world: World, kind: string, name: string): string | undefined {
  const object = world.get(kind, name);
  if (object === undefined) return undefined; // refused
  const { observedGeneration, conditions = [] } = (object.status ?? {}) as {
    observedGeneration?: number;
    conditions?: readonly { type: string; reason: string; message: string }[];
  };
  if (observedGeneration !== object.metadata.generation || conditions.length === 0) return `${name}: nothing is said`;
  const odd = conditions.find(({ reason }) => reason === 'InternalError' || !REASONS.includes(`\`${reason}\``));
  return odd === undefined ? undefined : `${name}: ${odd.type} has the reason ${odd.reason}: ${odd.message}`;
}
