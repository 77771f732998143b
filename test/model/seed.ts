/** What is there when a scenario begins, and how a user writes an object. */
import type { KubeObject } from '@slipway/kube';
import { aClaim, aStore } from '../../operator/src/testing/fixtures.ts';
import { apply, deleted, idOf, withStatus } from './api-model.ts';
import type { Id, Objects, ServerContext } from './api-model.ts';
import type { UserStep } from './scenario.ts';

type Seed = KubeObject & { readonly status?: unknown };

/** A Store with its volume, and these; with the statuses that they bring. */
export function startingPoint(seeds: readonly Seed[]): Objects {
  const server: ServerContext = { newUid: (id) => `${id}#1`, now: '2026-11-23T09:00:00Z' };
  return [aStore(), aClaim(), ...seeds].reduce<Objects>((api, seed) => {
    const { status } = seed as Seed;
    const made = apply(api, authored(seed), server);
    return status === undefined ? made : withStatus(made, idOf(seed), status);
  }, new Map());
}

/** Without what the API server adds. */
function authored(object: Seed): KubeObject {
  const { uid: _, generation: __, ...metadata } = object.metadata;
  const { status: ___, ...rest } = object;
  return { ...rest, metadata };
}

export function userApplies(words: string, object: KubeObject): UserStep {
  const applied = authored(object);
  return { words, act: (api, server) => apply(api, applied, server) };
}

export function userDeletes(words: string, id: Id): UserStep {
  return { words, act: (api, server) => deleted(api, id, server) };
}
