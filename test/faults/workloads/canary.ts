/** A canary that people approve step by step, one that they abort and try again, and one that is replaced on its way. */
import { DIGESTS } from '../driver/pod-script.ts';
import type { Moment } from '../driver/moments.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyModelVersion, applyStore, awaitsPods, awaitsStable } from './serve.ts';

const PODS = 2;
/** Each waits for a person, so that it is known where the rollout comes to rest. */
const STEPS = [25, 50].map((weight) => ({ weight, waitFor: 'Promotion' }));

function applyService(world: World, version: string): Promise<void> {
  const rollout = { strategy: 'Canary', canary: { steps: STEPS } };
  const spec = { modelVersion: { name: version }, scaling: { replicas: PODS }, rollout };
  return world.apply('InferenceService', 'flights', { spec });
}

async function serveVersion(world: World, version: string, digest: string): Promise<void> {
  await applyModelVersion(world, version, digest);
  await applyService(world, version);
}

/** What a person changes in a ModelRollout. */
function ask(world: World, rollout: string, spec: object): Promise<void> {
  return world.apply('ModelRollout', rollout, { spec });
}

/** Why the rollout does not wait at this weight for a person, with the pods that it needs. */
function awaitsPerson(world: World, rollout: string, weight: number): string | undefined {
  const object = world.get('ModelRollout', rollout);
  const { observedWeight } = object?.status ?? {};
  return firstOf(
    awaitsCondition(object, 'Ready', 'True', 'WaitingForPromotion'),
    observedWeight === weight ? undefined : `${rollout}: the gateways show ${String(observedWeight)} %, not ${weight}`,
    awaitsCondition(world.get('InferenceService', 'flights'), 'Ready', 'True', 'WaitingForPromotion'),
    awaitsPods(world, PODS + 1),
  );
}

/** Why not all is as it is where nothing changes. */
function awaitsQuiet(world: World, version: string): string | undefined {
  return firstOf(
    awaitsCondition(world.get('InferenceService', 'flights'), 'Ready', 'True', 'UpToDate'),
    awaitsStable(world, version),
    awaitsPods(world, PODS),
  );
}

function awaitsOutcome(world: World, rollout: string, outcome: string): string | undefined {
  const object = world.get('ModelRollout', rollout);
  const found = object?.status?.['outcome'];
  return found === outcome ? undefined : `${rollout} has the outcome ${String(found)}, not ${outcome}`;
}

function awaitsAborted(world: World, rollout: string): string | undefined {
  return firstOf(
    awaitsOutcome(world, rollout, 'Aborted'),
    awaitsCondition(world.get('InferenceService', 'flights'), 'Stalled', 'True', 'RolloutAborted'),
    awaitsCondition(world.get('InferenceService', 'flights'), 'Serving', 'True', 'StableServes'),
    awaitsPods(world, PODS),
  );
}

/** The weights are whole, and the revision that people rely on has all its pods. */
function keepsItsPromises({ changed, get }: Moment): string | undefined {
  const route = get('TrafficRoute', 'flights')?.spec as
    | { readonly stable: string; readonly backends: readonly { readonly weight: number }[] }
    | undefined;
  const sum = route?.backends.reduce((total, { weight }) => total + weight, 0) ?? 100;
  if (sum !== 100) return `the weights of the route are ${sum} in all`;
  if (changed.kind !== 'Deployment' || changed.metadata.name !== route?.stable) return undefined;
  const replicas = Number(changed.spec?.['replicas']);
  return replicas < PODS ? `the stable revision has ${replicas} of ${PODS} replicas` : undefined;
}

export const workload: Workload = {
  name: 'canary',
  sampled: 3,
  steps: [
    {
      name: 'serve the first version',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        await serveVersion(world, 'delay-1', DIGESTS.one);
      },
      pending: (world) => awaitsQuiet(world, 'delay-1'),
    },
    {
      name: 'begin a canary',
      act: (world) => serveVersion(world, 'delay-2', DIGESTS.two),
      pending: (world) => awaitsPerson(world, 'flights-1', 25),
      always: keepsItsPromises,
    },
    {
      name: 'approve its first step',
      act: (world) => ask(world, 'flights-1', { approvedStep: 1 }),
      pending: (world) => awaitsPerson(world, 'flights-1', 50),
      always: keepsItsPromises,
    },
    {
      name: 'delete its ModelRollout',
      restores: 'approve its first step',
      act: (world) => world.delete('ModelRollout', 'flights-1'),
      pending: (world) => awaitsPerson(world, 'flights-1', 50),
      always: keepsItsPromises,
    },
    {
      name: 'abort it',
      act: (world) => ask(world, 'flights-1', { approvedStep: 1, verdict: 'Abort' }),
      pending: (world) => awaitsAborted(world, 'flights-1'),
      always: keepsItsPromises,
    },
    {
      name: 'try it again',
      act: (world) => ask(world, 'flights-1', { approvedStep: 1, verdict: 'Auto', try: 2 }),
      pending: (world) => awaitsPerson(world, 'flights-1', 50),
      always: keepsItsPromises,
    },
    {
      name: 'ask for a third version in the middle of it',
      act: (world) => serveVersion(world, 'delay-3', DIGESTS.dataset),
      pending: (world) =>
        firstOf(awaitsOutcome(world, 'flights-1', 'Superseded'), awaitsPerson(world, 'flights-2', 25)),
      always: keepsItsPromises,
    },
    {
      name: 'promote that at once',
      act: (world) => ask(world, 'flights-2', { verdict: 'Promote' }),
      pending: (world) => firstOf(awaitsOutcome(world, 'flights-2', 'Promoted'), awaitsQuiet(world, 'delay-3')),
    },
    {
      name: 'begin another',
      act: (world) => applyService(world, 'delay-1'),
      pending: (world) => awaitsPerson(world, 'flights-3', 25),
      always: keepsItsPromises,
    },
    {
      name: 'ask for what serves again',
      act: (world) => applyService(world, 'delay-3'),
      pending: (world) => firstOf(awaitsOutcome(world, 'flights-3', 'Withdrawn'), awaitsQuiet(world, 'delay-3')),
      always: keepsItsPromises,
    },
  ],
};
