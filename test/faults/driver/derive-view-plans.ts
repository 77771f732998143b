/** Plans about what the program is told: watches that lag, break or repeat themselves, and lists that fail. Pure. */
import { isRequest } from '../proxy/journal.ts';
import type { Entry } from '../proxy/journal.ts';
import { describeFault } from '../proxy/plan.ts';
import type { Action, Fault, Match, Plan } from '../proxy/plan.ts';

type Kind = Required<Pick<Match, 'group' | 'resource'>>;

/** One plan for each kind of which something was told: all of its watches tell everything late. */
export function deriveLags(journal: readonly Entry[], ms: number): Plan[] {
  return toldKinds(journal).map((kind) => planOf({ match: { ...kind, verb: 'watch' }, action: { kind: 'lag', ms } }));
}

/** For each kind of which something was told, a first list that fails, and a first watch that is refused. */
export function deriveStarts(journal: readonly Entry[]): Plan[] {
  const kinds = toldKinds(journal);
  return [
    ...kinds.map((kind) => planOf({ match: { ...kind, verb: 'watch', nth: 1 }, action: { kind: 'goneHTTP' } })),
    ...BAD_LISTS.flatMap((action) => kinds.map((kind) => planOf({ match: { ...kind, verb: 'list', nth: 1 }, action }))),
  ];
}

const BAD_LISTS: readonly Action[] = [
  { kind: 'status', code: 429, retryAfterSeconds: 1 },
  { kind: 'status', code: 500 },
  { kind: 'reset' },
];

/** For each kind of which enough was told in one life (a plan that cannot strike shows nothing), each way in which its watches break. */
export function deriveViews(journal: readonly Entry[]): Plan[] {
  return toldKinds(journal).flatMap((kind) => {
    const told = mostEvents(journal, kind);
    // After one event each, so that every stream brings the cache on: a stream that never does is no API server.
    const cut = { kind: 'halfLine', afterEvents: 1 } as const;
    const gone = { kind: 'goneInStream', afterEvents: 1 } as const;
    const twice = { kind: 'dupEvent', afterEvents: 0 } as const;
    const match = { ...kind, verb: 'watch' } as const;
    // The list that follows is in pages, as it would be in a large cluster.
    const pages = { match: { ...kind, verb: 'list' }, action: { kind: 'smallPages' } } as const;
    return [
      ...(told > 1 ? [planOf({ match, action: cut }), planOf({ match, action: gone }, pages)] : []),
      planOf({ match, action: twice }),
    ];
  });
}

function planOf(...faults: readonly Fault[]): Plan {
  return { name: faults.map(describeFault).join(', '), faults };
}

/** Kinds of which the watches told something: of the others there is nothing to know. */
function toldKinds(journal: readonly Entry[]): Kind[] {
  const watches = journal.filter(isRequest).filter(({ request }) => request.verb === 'watch');
  const kinds = new Map(
    watches.map(({ request: { group, resource } }) => [`${resource}.${group}`, { group, resource }]),
  );
  return [...kinds.values()].filter((kind) => mostEvents(journal, kind) > 0);
}

/** How much the watches of a kind told in the life of the program in which they told most. */
function mostEvents(journal: readonly Entry[], { group, resource }: Kind): number {
  const lives = new Map<number, number>();
  for (const entry of journal) {
    if (isRequest(entry) || entry.group !== group || entry.resource !== resource) continue;
    lives.set(entry.incarnation, (lives.get(entry.incarnation) ?? 0) + 1);
  }
  return Math.max(0, ...lives.values());
}
