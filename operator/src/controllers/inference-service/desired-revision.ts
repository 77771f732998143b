/** Which revision the spec asks for, and which one serves: pure questions about what was observed. */
import type { Reason } from '../../conditions.ts';
import { trafficOf } from '../../rollouts/traffic.ts';
import type { ObservedRevision, ObservedService } from './observe.ts';
import { matchesAsked, revisionName } from './revision.ts';

/** The revision that the spec asks for: `data` is there unless only its name is known; `problem` if there is none. */
export interface Desired {
  readonly name?: string | undefined;
  /** What callers of the version that serves now will miss. */
  readonly warning?: string | undefined;
  readonly problem?: (Reason & { readonly isFinal: boolean }) | undefined;
}

/**
 * What the spec asks for is what its ModelVersion resolves to; while that cannot be read, a revision that runs and was made
 * of the same spec will do, so that neither a lost status nor a Store that is away for a while moves anything.
 */
export function desiredRevision(observed: ObservedService): Desired {
  const { service, resolved, revisions } = observed;
  if (resolved.facts !== undefined) {
    return { name: revisionName(service.metadata.name, resolved.facts), warning: resolved.warning };
  }
  const stable = stableName(observed);
  const asked = { ...service.spec, modelVersion: resolved.version };
  const running = revisions
    .filter(({ data, deployment }) => deployment !== undefined && data !== undefined && matchesAsked(data.facts, asked))
    .sort((a, b) => Number(b.name === stable) - Number(a.name === stable));
  return running[0] === undefined ? { problem: resolved.problem } : { name: running[0].name };
}

/** The revision that serves, or served last: undefined until one has answered. */
export function stableName({ route }: Pick<ObservedService, 'route'>): string | undefined {
  const traffic = route && trafficOf(route);
  return traffic?.movedAt === undefined ? undefined : traffic.stable;
}

/** The same, if anything of it still exists. */
export function stableRevision(observed: ObservedService): ObservedRevision | undefined {
  const name = stableName(observed);
  return observed.revisions.find((revision) => revision.name === name);
}
