/** What an object depends on, as a tree, and which of it is to blame. */
import type { Health } from '../../cluster/conditions.ts';
import type { Paint } from '../../terminal/style.ts';

export interface Link {
  readonly kind: string;
  readonly name: string;
  /** For Events. */
  readonly uid?: string | undefined;
  /** How the one above depends on it; empty for the first. */
  readonly relation: string;
  /** A rollout, Deployment, Job or pod of the one above. */
  readonly isWorkload?: boolean;
  /** `gone`: it was deleted, which does no harm; `seen`: it stands further up in the tree. */
  readonly health: Health | { readonly state: 'gone' | 'seen' };
  /** In the order in which they have to be well. */
  readonly links: readonly Link[];
}

/** A link that is not well. */
export type Cause = Link & { readonly health: Health };

/**
 * What is to blame, the first thing first: below an object that is not well the parts that are not well, and so on. What is
 * wrong comes before what only waits. Empty where all is well.
 *
 * What runs for an object (rollouts, Deployments, Jobs, pods) counts only where the object itself has no reason that `explains`: its own
 * reason was made of theirs, in better words.
 */
export function causesOf(link: Link, explains: (cause: Cause) => boolean): Cause[] {
  const found = leavesOf(link, explains);
  return [
    ...found.filter(({ health }) => health.state === 'wrong'),
    ...found.filter(({ health }) => health.state !== 'wrong'),
  ];
}

function leavesOf(link: Link, explains: (cause: Cause) => boolean): Cause[] {
  if (!isTroubled(link)) return [];
  const parts = link.links.filter(({ isWorkload = false }) => !isWorkload);
  const below = parts.flatMap((one) => leavesOf(one, explains));
  if (below.length > 0) return below;
  if (link.isWorkload !== true && explains(link)) return [link];
  const running = link.links.flatMap((one) => leavesOf(one, explains));
  return running.length > 0 ? running : [link];
}

function isTroubled(link: Link): link is Cause {
  return link.health.state === 'wrong' || link.health.state === 'waiting';
}

/** The pod in which the trouble of `cause` can be seen, and the object that it runs for. */
export function troubledPod(cause: Link): { readonly pod: Cause; readonly owner: Link } | undefined {
  const pod = cause.links
    .filter(({ isWorkload = false }) => isWorkload)
    .flatMap(allLinks)
    .filter(isTroubled)
    .find(({ kind }) => kind === 'Pod');
  return pod === undefined ? undefined : { pod, owner: cause };
}

export function allLinks(link: Link): Link[] {
  return [link, ...link.links.flatMap(allLinks)];
}

const MARKS = { well: '✓', waiting: '·', wrong: '✗', gone: ' ', seen: ' ' } as const;
const COLOURS = { well: 'green', waiting: 'yellow', wrong: 'red', gone: 'dim', seen: 'dim' } as const;

/** A line for each, as a tree; reasons only, since messages have their place elsewhere. */
export function renderChain(link: Link, paint: Paint): string[] {
  return renderLink(link, { prefix: '', branch: '' }, paint);
}

interface Place {
  /** In front of everything below the one above. */
  readonly prefix: string;
  readonly branch: '' | '├─ ' | '└─ ';
}

function renderLink(link: Link, { prefix, branch }: Place, paint: Paint): string[] {
  const { state } = link.health;
  const relation = link.relation === '' ? '' : `${link.relation} `;
  const line = `${prefix}${branch}${paint(COLOURS[state], MARKS[state])} ${relation}${link.kind} ${paint('bold', link.name)}${afterName(link, paint)}`;
  const below = prefix + (branch === '' ? '' : branch === '├─ ' ? '│  ' : '   ');
  return [
    line,
    ...link.links.flatMap((one, index) =>
      renderLink(one, { prefix: below, branch: index === link.links.length - 1 ? '└─ ' : '├─ ' }, paint),
    ),
  ];
}

function afterName({ health }: Link, paint: Paint): string {
  if (!('reason' in health)) {
    return `  ${paint('dim', health.state === 'gone' ? 'is gone, which does no harm' : 'see above')}`;
  }
  return `  ${paint(COLOURS[health.state], health.reason)}`;
}
