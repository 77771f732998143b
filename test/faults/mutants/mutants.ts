/** Defects that we seed into the operator, to see that the harness finds them. Each is a change of one line of its source. */
import type { Action } from '../proxy/plan.ts';

export interface Mutant {
  /** What is wrong with it. */
  readonly what: string;
  /** Path in the checkout. */
  readonly file: string;
  /** Must stand in the file exactly once, or the mutant is out of date and nothing starts. */
  readonly from: string;
  readonly to: string;
  /** Name of the workload that it is tried with. */
  readonly workload: string;
  /** Faults that bring it to light; none: it shows without one. */
  readonly shownBy: readonly Action['kind'][];
  /** Text in the names of the plans that are tried, where not any of these faults will do, or one shows it much sooner. */
  readonly telling?: string;
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  noOwnerReference: {
    what: 'children do not go with their owner',
    file: 'kube/src/apply.ts',
    from: 'ownerReferences: [referenceTo(owner)]',
    to: 'ownerReferences: []',
    workload: 'serve',
    shownBy: [],
  },
  takesFromOthers: {
    what: 'a child of another owner is taken over',
    file: 'kube/src/apply.ts',
    from: 'if (controller?.uid === owner.object.metadata.uid) return;',
    to: 'if (controller !== undefined) return;',
    workload: 'mend',
    shownBy: [],
  },
  takesForeign: {
    what: "force goes over somebody else's object",
    file: 'kube/src/apply.ts',
    from: 'if (live !== undefined) refuseForeign(deps, kind, live);',
    to: '',
    workload: 'mend',
    shownBy: [],
  },
  trustsTheHash: {
    what: 'what somebody else changed in a child stays',
    file: 'kube/src/apply.ts',
    from: 'if (drift.length === 0) return true;',
    to: "if (live.metadata.annotations?.['slipway.dev/applied'] === hash) return true;",
    workload: 'mend',
    shownBy: [],
  },
  deletesByName: {
    what: 'a delete would hit a namesake',
    file: 'kube/src/apply.ts',
    from: 'await client.delete(kind, keyOf(object), { uid, signal: scope.signal });',
    to: 'await client.delete(kind, keyOf(object), { signal: scope.signal });',
    workload: 'serve',
    shownBy: [],
  },
  statusEachLoop: {
    what: 'status is written whether or not it changed',
    file: 'kube/src/status.ts',
    from: 'if (canonicalJson(wanted) === canonicalJson(withoutNulls(object.status ?? {}))) return false;',
    to: '',
    workload: 'serve',
    shownBy: [],
  },
  statusOverNewer: {
    what: 'a status goes over what was written since its pass began',
    file: 'kube/src/status.ts',
    from: '...(resourceVersion === undefined ? {} : { resourceVersion }),',
    to: '',
    workload: 'serve',
    shownBy: [],
  },
  statusBelieved: {
    what: 'a status that could not be written counts as written',
    file: 'kube/src/status.ts',
    from: 'const written = await ignoreNotFound(',
    to: 'const written = await ((writing: Promise<object>) => writing.catch(() => undefined))(',
    workload: 'serve',
    shownBy: ['status'],
    telling: 'status(500) apply stores/status',
  },
  statusOfAnotherSpec: {
    what: 'status claims a generation that it has not seen',
    file: 'operator/src/conditions.ts',
    from: 'return { observedGeneration: generation,',
    to: 'return { observedGeneration: 1,',
    workload: 'serve',
    shownBy: [],
  },
  noRetry: {
    what: 'after an error nothing is tried again',
    file: 'kube/src/controller.ts',
    from: 'const failures = queue.addBackoff(key, `retry after ${reason}`, retryAfterOf(error));',
    to: 'const failures = 1;',
    workload: 'serve',
    shownBy: ['status'],
    telling: 'status(500) apply stores/status',
  },
  noBackoff: {
    what: 'after an error it is tried again at once, and again',
    file: 'kube/src/work-queue.ts',
    from: 'addAfter(key, Math.max(delay, minMs), reason);',
    to: 'add(key, reason);',
    workload: 'serve',
    shownBy: ['status'],
    telling: 'status(503) apply stores/status',
  },
  neverLater: {
    what: 'what was to be looked at later is forgotten',
    file: 'kube/src/controller.ts',
    from: 'queue.addAfter(key, ending.ms, ending.why);',
    to: '',
    workload: 'serve',
    shownBy: [],
  },
  swallowsErrors: {
    what: 'a write that failed ends a pass as if all were well',
    file: 'operator/src/kind-controller.ts',
    from: 'if (error !== undefined) throw error;',
    to: '',
    workload: 'serve',
    shownBy: ['status', 'dropAck'],
    telling: 'status(500) delete deployments',
  },
  twoAtATime: {
    what: 'a key is handed out again while it is worked on',
    file: 'kube/src/work-queue.ts',
    from: 'if (worked !== undefined) {',
    to: 'if (worked?.again !== undefined) {',
    workload: 'serve',
    shownBy: [],
  },
  noRelist: {
    what: 'a watch goes on from a version that is forgotten',
    file: 'kube/src/reflector.ts',
    from: 'mustList ||= !RESUMABLE.has(reason);',
    to: '',
    workload: 'serve',
    shownBy: ['goneInStream'],
    telling: 'watch pods', // what the operator writes itself, it knows without a watch
  },
  listsOnePage: {
    what: 'a list ends with its first page',
    file: 'kube/src/client.ts',
    from: "if (next === undefined || next === '') return { items,",
    to: 'return { items,',
    workload: 'serve',
    shownBy: ['smallPages'],
    telling: 'list modelversions',
  },
  numberGivenTwice: {
    what: 'a number is not reserved before its version is made',
    file: 'operator/src/versions/publish-version.ts',
    from: '{ [LAST_NUMBER_ANNOTATION]: String(number) },',
    to: '{},',
    workload: 'recreate',
    shownBy: [],
  },
  forgetsItsNumber: {
    what: 'a result that has its number already gets another',
    file: 'operator/src/versions/publish-version.ts',
    from: 'const reserved = reservedNumber(job);',
    to: 'const reserved = undefined as number | undefined;',
    workload: 'train',
    shownBy: ['killAfter', 'dropAck'],
    telling: 'create modelversions',
  },
  versionUnnamed: {
    what: 'after a crash a Job never says which version it became',
    file: 'operator/src/controllers/dataset/plan.ts',
    from: 'if (version !== undefined) return { job, version: version.metadata.name };',
    to: '',
    workload: 'train',
    shownBy: ['killAfter'],
    telling: 'create datasetversions',
  },
  versionExists: {
    what: 'a version that an earlier try made is an error',
    file: 'operator/src/versions/publish-version.ts',
    from: 'if (!(cause instanceof KubeApiError && cause.isAlreadyExists)) throw cause;',
    to: 'throw cause;',
    workload: 'train',
    shownBy: ['killAfter', 'dropAck'],
    telling: 'create modelversions',
  },
  keepsFinalizer: {
    what: 'the finalizer stays when nobody uses the version any more',
    file: 'operator/src/controllers/model-version/plan.ts',
    from: "if (users.length === 0) return has ? 'remove' : undefined;",
    to: 'if (users.length === 0) return undefined;',
    workload: 'serve',
    shownBy: [],
  },
  noFinalizer: {
    what: 'the finalizer is never added',
    file: 'operator/src/controllers/model-version/plan.ts',
    from: "return has || version.metadata.deletionTimestamp !== undefined ? undefined : 'add';",
    to: 'return undefined;',
    workload: 'serve',
    shownBy: [],
  },
};
