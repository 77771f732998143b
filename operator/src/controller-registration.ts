import type { Manager } from '@slipway/kube';
import type { OperatorDeps } from './deps.ts';

/** What `main.ts` needs of a controller: each folder's `controller.ts` exports one function of this shape, `add<Kind>Controller`. */
export type AddController = (manager: Pick<Manager, 'addController'>, deps: OperatorDeps) => void;

/** A rule of a (Cluster)Role. Each controller's `rbac.ts` exports the rules for exactly what it reads and writes. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly ('get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete')[];
}

/** What a cache needs. */
export const READ = ['get', 'list', 'watch'] as const;
/** What server-side apply needs: create for a new object, patch for one that exists. */
export const APPLY = ['create', 'patch'] as const;
