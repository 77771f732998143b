/** What holds for every kind. */
import type { Condition } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { DeepReadonly, KubeObject } from '@slipway/kube';
import { findCondition } from '../../operator/src/conditions.ts';
import { idOf } from './api-model.ts';
import type { Objects } from './api-model.ts';
import type { Request } from './requests.ts';
import type { State } from './state.ts';

type WithStatus = DeepReadonly<
  KubeObject & { status?: { observedGeneration?: number | undefined; conditions?: readonly Condition[] | undefined } }
>;

/** What no request may do, whatever its kind. */
export function breaksOwnership(request: Request, before: State, after: Objects): string | undefined {
  return hasTwoControllers(after) ?? makesChildOfGoneOwner(request, before, after);
}

/** Two objects that each believe to be in charge would fight forever. */
function hasTwoControllers(after: Objects): string | undefined {
  for (const { content } of after.values()) {
    const controllers = (content.object.metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
    if (controllers.length > 1) return `${idOf(content.object)} has two controllers.`;
  }
  return undefined;
}

/** A race with the deletion cannot be won, garbage collection sees to that; but a pass that began later must know better. */
function makesChildOfGoneOwner(request: Request, { api, pass }: State, after: Objects): string | undefined {
  const made = api.has(request.id) ? undefined : after.get(request.id)?.content.object;
  if (made === undefined || pass?.isOrphan !== true || controllerOf(made) === undefined) return undefined;
  return `${request.id} is made again for an owner that was gone before the pass began.`;
}

/** At rest a status is of the newest generation, and says one thing: all is well, or it is on its way, or somebody must act. */
export function isUntold(object: WithStatus): string | undefined {
  const { status, metadata } = object;
  if (status?.observedGeneration !== metadata.generation) return 'The status is of an older generation.';
  const isReady = findCondition(object, 'Ready')?.status === 'True';
  const others = ['Reconciling', 'Stalled'].filter((type) => findCondition(object, type)?.status === 'True');
  return Number(isReady) + others.length === 1
    ? undefined
    : `It is ${isReady ? 'Ready' : 'not Ready'} and [${others.join()}].`;
}

/** Whether the object says so, in a condition that is True; in words what it says instead. */
export function doesNotSay(object: WithStatus, type: string, reason?: string): string | undefined {
  const condition = findCondition(object, type);
  const isSaid = condition?.status === 'True' && (reason === undefined || condition.reason === reason);
  if (isSaid) return undefined;
  const found = condition ?? findCondition(object, 'Ready');
  return `It is not ${type}${reason === undefined ? '' : ` (${reason})`}, but ${found?.type}=${found?.status}: ${found?.reason}: ${found?.message}`;
}

export function leftBehind(api: Objects): string | undefined {
  const left = [...api.values()].map(({ content }) => content.object).filter((object) => controllerOf(object));
  return left.length === 0 ? undefined : `After the owner is gone there are still ${left.map(idOf).join(', ')}.`;
}
