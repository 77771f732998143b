import type { Condition } from '@slipway/crds';
import type { SlipwayObject } from './kinds.ts';

export function conditionOf(object: SlipwayObject, type: string): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

/** How an object is, in the words of kstatus: `Stalled` needs a person, `waiting` may well get on by itself. */
export interface Health {
  readonly state: 'well' | 'waiting' | 'wrong';
  /** Empty where all is said by the state. */
  readonly reason: string;
  readonly message: string;
}

export function healthOf(object: SlipwayObject): Health {
  const ready = conditionOf(object, 'Ready');
  if (object.metadata.deletionTimestamp !== undefined && ready?.reason !== 'Terminating') {
    return { state: 'waiting', reason: 'Deleting', message: 'It is being deleted.' };
  }
  if (ready === undefined || isBehind(object)) {
    const message = 'The operator has not looked at this change yet. If that lasts: is the operator running?';
    return { state: 'waiting', reason: 'NotObserved', message };
  }
  const { reason, message } = ready;
  if (ready.status === 'True') return { state: 'well', reason, message };
  const isStalled = conditionOf(object, 'Stalled')?.status === 'True' || ready.status === 'Unknown';
  return { state: isStalled ? 'wrong' : 'waiting', reason, message };
}

/** The status speaks of an older spec. */
function isBehind({ metadata, status }: SlipwayObject): boolean {
  return (status?.observedGeneration ?? 0) < (metadata.generation ?? 0);
}
