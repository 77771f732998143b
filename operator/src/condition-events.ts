import type { Condition } from '@slipway/crds';
import type { DeepReadonly, EventNote, EventRecorder, KubeObject } from '@slipway/kube';

/**
 * One Event for each thing that became so with this status: a Warning for Ready=False with a reason that is no progress
 * report, a Normal one for Ready=True. Comparing with the status before keeps it to one each, also over restarts.
 */
export function recordReadyChange(
  events: Pick<EventRecorder, 'record'>,
  object: DeepReadonly<KubeObject & { status?: { conditions?: readonly Condition[] | undefined } }>,
  next: readonly Condition[],
): void {
  const note = readyNote(object.status?.conditions ?? [], next);
  if (note !== undefined) events.record(object, note);
}

export function readyNote(
  before: readonly DeepReadonly<Condition>[],
  next: readonly DeepReadonly<Condition>[],
): EventNote | undefined {
  const was = before.find(({ type }) => type === 'Ready');
  const is = next.find(({ type }) => type === 'Ready');
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return undefined;
  const { reason, message } = is;
  if (is.status === 'True')
    return was?.status === 'True' ? undefined : { type: 'Normal', reason, message, action: 'Reconciling' };
  const isStalled = next.some(({ type, status }) => type === 'Stalled' && status === 'True');
  return PROGRESS.has(reason) && !isStalled ? undefined : { type: 'Warning', reason, message, action: 'Reconciling' };
}

/** Reasons of Ready=False that only say "wait", unless Stalled is True beside them. */
const PROGRESS: ReadonlySet<string> = new Set([
  'Starting',
  'Running',
  'Verifying',
  'Materializing',
  'Building',
  'Publishing',
  'Collecting',
  'Suspended',
  'RevisionStarting',
  'RolloutInProgress',
  'PodsStarting',
  'EndpointsPending',
  'GatewaysPending',
  'ModelVersionNotReady',
  'Terminating',
  'WaitingForFeatureSets',
  'WaitingForDataset',
]);
