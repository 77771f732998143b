import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { keyOf, requeueAfter, settled, toController, watch } from '@slipway/kube';
import type { DeepReadonly, ObjectKey, Result, Scope } from '@slipway/kube';
import { AnalysisMemory } from '../../../analysis/analysis-memory.ts';
import { NOTHING_OBSERVED, observe, OBSERVE_MS } from '../../../analysis/analysis-state.ts';
import type { AnalysisState } from '../../../analysis/analysis-state.ts';
import { formatStep } from '../../../analysis/written-step.ts';
import { indexKey } from '../../../caches.ts';
import type { AddController } from '../../../controller-registration.ts';
import { fieldManagerOf } from '../../../deps.ts';
import type { Caches, OperatorDeps } from '../../../deps.ts';
import { kinds } from '../../../kinds.ts';
import { isTaken } from '../../../rollouts/advance.ts';
import { courseOf } from '../../../rollouts/course.ts';
import { readRecord, ROLLOUT_ANNOTATION } from '../../../rollouts/record.ts';
import { trafficOf } from '../../../rollouts/traffic.ts';
import { rolloutName } from '../build-rollout.ts';
import { ANALYSIS_ANNOTATION, judgedStep, judgementOf, writtenState } from './judgement.ts';
import type { JudgedStep } from './judgement.ts';

const NAME = 'inference-service.analysis';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** What changes no verdict is written once in so long. It is what a death of this process loses. */
const WRITE_MS = 60_000;

/** A candidate that gets the requests of a step at which it is judged. */
interface Judged extends JudgedStep {
  readonly service: string;
  /** Uid of the route. */
  readonly route: string;
  readonly revisions: { readonly candidate: string; readonly stable: string };
  readonly rollout: DeepReadonly<ModelRollout> | undefined;
  /** Of the step: what was observed of another one does not count for it. */
  readonly id: string;
}

interface Followed {
  readonly route: string;
  readonly id: string;
  state: AnalysisState;
  observedAt: number;
  writtenAt: number;
}

interface Analyses {
  readonly memory: AnalysisMemory;
  /** By key of the service. */
  readonly followed: Map<string, Followed>;
}

/**
 * Observes candidates of services that have an analysis, and writes at the ModelRollout what was observed: by that
 * `inference-service.lifecycle` goes on, waits or goes back.
 */
export const addAnalysisController: AddController = (manager, deps) => {
  const { caches, gateways } = deps;
  const analyses: Analyses = { memory: new AnalysisMemory(), followed: new Map() };
  gateways.subscribe({ load: (_, load) => analyses.memory.take(load) });
  manager.addController({
    name: NAME,
    for: caches.inferenceServices,
    watches: [watch(caches.trafficRoutes, toController(kinds.InferenceService))],
    signals: [],
    reconcile: async (key, scope) => {
      const judged = findJudged(caches, key);
      if (judged !== undefined) return look(deps, analyses, judged, scope);
      forget(analyses, indexKey(key.namespace, key.name));
      return settled();
    },
  });
};

function findJudged(caches: Caches, key: ObjectKey): Judged | undefined {
  const service = caches.inferenceServices.get(key);
  const [route] = caches.trafficRoutes.byIndex('controller', service?.metadata.uid ?? '');
  const isGoing = service?.metadata.deletionTimestamp !== undefined;
  return service === undefined || isGoing || route === undefined ? undefined : judgedOf(caches, service, route);
}

function judgedOf(
  caches: Caches,
  service: DeepReadonly<InferenceService>,
  route: DeepReadonly<TrafficRoute>,
): Judged | undefined {
  const { namespace = '', name } = service.metadata;
  const record = readRecord(route.metadata.annotations?.[ROLLOUT_ANNOTATION]);
  const { current } = record;
  const step = judgedStep(service, record);
  const live = trafficOf(route);
  if (step === undefined || current?.phase !== 'Progressing') return undefined;
  if (!isTaken({ live, course: courseOf(service.spec) }, current)) return undefined;
  const rollout = rolloutName(name, current.number);
  return {
    ...step,
    service: indexKey(namespace, name),
    route: route.metadata.uid ?? '',
    revisions: { candidate: current.to, stable: live.stable },
    rollout: caches.modelRollouts.get({ namespace, name: rollout }),
    id: `${rollout} ${step.of.try} ${step.of.step}`,
  };
}

function forget({ memory, followed }: Analyses, service: string): void {
  const known = followed.get(service);
  if (known === undefined) return;
  memory.forget(known.route);
  followed.delete(service);
}

async function look(deps: OperatorDeps, analyses: Analyses, judged: Judged, scope: Scope): Promise<Result> {
  const now = deps.clock.now().getTime();
  const followed = follow(analyses, judged, now);
  if (!isOver(followed.observedAt, OBSERVE_MS, now)) return again(OBSERVE_MS - (now - followed.observedAt));
  followed.state = observe(followed.state, judged.analysis, analyses.memory.collect(judged.route, judged.revisions));
  followed.observedAt = now;
  if (judged.rollout !== undefined && isDue(judged, followed, now)) {
    await write(deps, judged.rollout, formatStep(judged.of, followed.state), scope);
    followed.writtenAt = now;
  }
  return again(OBSERVE_MS);
}

function again(ms: number): Result {
  return requeueAfter(ms, 'gateways have counted more of a candidate');
}

/** Goes on from what is written of the step, also by another process. */
function follow(analyses: Analyses, judged: Judged, now: number): Followed {
  const known = analyses.followed.get(judged.service);
  if (known?.id === judged.id && known.route === judged.route) return known;
  forget(analyses, judged.service);
  analyses.memory.follow(judged.route);
  const state = writtenState(judged, judged.rollout) ?? NOTHING_OBSERVED;
  const begun = { route: judged.route, id: judged.id, state, observedAt: now, writtenAt: now };
  analyses.followed.set(judged.service, begun);
  return begun;
}

/** A clock that was set back ends no wait by itself. */
function isOver(since: number, ms: number, now: number): boolean {
  return now - since >= ms || now < since;
}

/** At once where a verdict is another one; else now and then, and only if there is anything new. */
function isDue(judged: Judged, { state, writtenAt }: Followed, now: number): boolean {
  const written = writtenState(judged, judged.rollout);
  if (written === undefined || verdictsOf(judged, written) !== verdictsOf(judged, state)) return true;
  return isOver(writtenAt, WRITE_MS, now) && formatStep(judged.of, written) !== formatStep(judged.of, state);
}

function verdictsOf(step: JudgedStep, state: AnalysisState): string {
  return judgementOf(step, state)
    .checks.map(({ verdict }) => verdict)
    .join();
}

/** With the version that was looked at: a late write of a dead leader, or one of an earlier step, is refused. */
async function write(
  { client }: OperatorDeps,
  { metadata }: DeepReadonly<ModelRollout>,
  text: string,
  { signal }: Scope,
): Promise<void> {
  const { resourceVersion = '' } = metadata;
  const patch = { metadata: { resourceVersion, annotations: { [ANALYSIS_ANNOTATION]: text } } };
  await client.mergePatch(kinds.ModelRollout, keyOf({ metadata }), patch, { fieldManager: FIELD_MANAGER, signal });
}
