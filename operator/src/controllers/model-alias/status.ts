import type { Condition, ModelAliasStatus } from '@slipway/crds';
import { baseStatus } from '../../conditions.ts';
import { aliasConditions } from './checks.ts';
import { historyOf } from './history.ts';
import type { ObservedModelAlias } from './observe.ts';

export function modelAliasStatus(
  observed: ObservedModelAlias,
  now: Date,
): ModelAliasStatus & { conditions: Condition[] } {
  const { alias, signature } = observed;
  return {
    ...baseStatus(alias, aliasConditions(observed), now),
    by: signature,
    history: historyOf(observed, now),
  };
}
