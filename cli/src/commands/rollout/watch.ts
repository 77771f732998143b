/** Shows a rollout again whenever it changes, until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import { conditionOf, healthOf } from '../../cluster/conditions.ts';
import { explainError } from '../../cluster/explain-error.ts';
import { phaseOf } from '../../cluster/rollouts.ts';
import type { Context } from '../../command.ts';
import { plain } from '../../terminal/style.ts';
import type { Subject } from './decide.ts';
import { readSubject, readVersions } from './read.ts';
import type { Target } from './read.ts';
import { statusLines } from './screen.ts';

const PAUSE_MS = 2_000;
const CLEAR = '\u001B[2J\u001B[H';
const INTERRUPTED = 130;

/** Resolves with 0 where it was promoted, 1 where it ended otherwise, 130 after Ctrl-C. A cluster that is away for a moment ends nothing. */
export async function watchRollout(cluster: Cluster, target: Target, context: Context): Promise<number> {
  const { terminal, signal } = context;
  let before = '';
  let followed = target.rollout;
  while (!signal.aborted) {
    const seen = await look(cluster, { ...target, rollout: followed }, context);
    if (seen.text !== before || terminal.width !== undefined) {
      terminal.write(terminal.width === undefined ? seen.text : `${CLEAR}${seen.shown}`);
    }
    before = seen.text;
    if (seen.subject !== undefined) {
      if (phaseOf(seen.subject.rollout) === 'GoesOn') followed = seen.subject.rollout.metadata.name;
      const code = exitCode(seen.subject, { isNamed: followed !== undefined });
      if (code !== undefined) return code;
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
  return INTERRUPTED;
}

/**
 * Undefined while there is something to wait for. One that has ended before anybody watched it is the answer only when the
 * service wants nothing else: the rollout of a change that was made a moment ago may not be there yet.
 */
export function exitCode(
  { rollout, service }: Subject,
  { isNamed }: { readonly isNamed: boolean },
): number | undefined {
  const phase = phaseOf(rollout);
  if (phase === 'GoesOn') return undefined;
  if (!isNamed && service !== undefined && !isSettled(service)) return undefined;
  // Who goes back to what serves has what he asked for.
  const isThere = phase === 'Promoted' || (phase === 'Withdrawn' && rollout.spec.cause === 'Undo');
  return isThere ? 0 : 1;
}

const TAKEN_BACK: ReadonlySet<string> = new Set(['RolloutAborted', 'Undone']);

/** The operator has seen its spec, and goes by it or has taken it back. */
function isSettled(service: NonNullable<Subject['service']>): boolean {
  const isObserved = (service.status?.observedGeneration ?? 0) >= (service.metadata.generation ?? 0);
  const upToDate = conditionOf(service, 'UpToDate');
  return isObserved && (upToDate?.status === 'True' || TAKEN_BACK.has(upToDate?.reason ?? ''));
}

interface Look {
  /** As it is shown at a terminal. */
  readonly shown: string;
  /** Without colours and ages, to tell whether anything has changed. */
  readonly text: string;
  readonly subject: Subject | undefined;
}

async function look(cluster: Cluster, target: Target, { terminal, now }: Context): Promise<Look> {
  try {
    const [subject, versions] = await Promise.all([readSubject(cluster, target), readVersions(cluster)]);
    const lines = (view: Parameters<typeof statusLines>[1]) =>
      [...statusLines({ ...subject, versions }, view), ...changedSince(subject, target), ''].join('\n');
    return {
      shown: lines({ ...terminal, now: now() }),
      text: lines({ paint: plain, width: terminal.width, now: new Date(0) }),
      subject,
    };
  } catch (cause) {
    if (!(cause instanceof TransientError)) throw cause;
    const text = `${explainError(cause, cluster).message}\n`;
    return { shown: text, text, subject: undefined };
  }
}

function changedSince({ service, rollout }: Subject, { rollout: followed }: Target): string[] {
  if (followed !== undefined || service === undefined || phaseOf(rollout) === 'GoesOn' || isSettled(service)) return [];
  const { reason, message } = healthOf(service);
  return ['', `The service has changed since, and its next rollout has not begun. ${reason}: ${message}`];
}
