/** What people decided about a version: the condition `Approved`. */
import type { Approval, ModelVersion } from '@slipway/crds';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { isFalse, isTrue, isUnknown } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { checkedSince, signatureOf } from '../../signature.ts';
import { isOlderThan } from '../approval/status.ts';
import { noModel } from './evaluation/status.ts';
import type { ObservedModelVersion } from './observe.ts';

export interface Decision {
  /** Of the Approval. */
  readonly name: string;
  readonly by: string;
  readonly decision: Approval['spec']['decision'];
  readonly reason: string | undefined;
  readonly isOlder: boolean;
  readonly isUnverified: boolean;
}

export interface ObservedDecisions {
  /** By name of the Approval, sorted. */
  readonly all: readonly Decision[];
  /** Whether this installation has a policy that checks who signs. */
  readonly areSignaturesChecked: boolean;
}

export function observeDecisions(
  caches: Pick<Caches, 'approvals' | 'signing'>,
  version: DeepReadonly<ModelVersion>,
): ObservedDecisions {
  const { namespace = '', name } = version.metadata;
  const since = checkedSince(caches.signing);
  const all = caches.approvals
    .byIndex('modelVersion', indexKey(namespace, name))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((approval) => ({
      name: approval.metadata.name,
      by: approval.spec.by,
      decision: approval.spec.decision,
      reason: approval.spec.reason,
      isOlder: isOlderThan(approval, version),
      isUnverified: signatureOf(approval, since) === 'Unverified',
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { all, areSignaturesChecked: caches.signing !== undefined };
}

/** Who is still waited for is Unknown; only somebody who has rejected it makes it False. */
export function approvedCondition({
  version,
  evaluation: { model },
  decisions,
}: Pick<ObservedModelVersion, 'version' | 'evaluation' | 'decisions'>): WantedCondition {
  const { model: named } = version.spec;
  if (named !== undefined && model === undefined) return isUnknown('Approved', noModel(named.name));
  const asked = model?.spec.approval;
  if (asked?.required !== 'Always') return isTrue('Approved', NOT_REQUIRED);
  const rejection = decisions.all.find(({ decision, isOlder }) => decision === 'Rejected' && !isOlder);
  if (rejection !== undefined) return isFalse('Approved', { reason: 'Rejected', message: rejected(rejection) });
  const approvals = decisions.all.filter(({ decision }) => decision === 'Approved');
  const people = peopleOf(approvals.filter((one) => discount(one, decisions) === undefined));
  if (people.length >= asked.count) {
    return isTrue('Approved', { reason: 'Approved', message: `Approved by ${people.join(', ')}.` });
  }
  const ignored = approvals.flatMap((one) => discount(one, decisions) ?? []);
  const message = [waiting(people, asked.count), ...ignored].join(' ');
  return isUnknown('Approved', { reason: 'WaitingForApproval', message });
}

const NOT_REQUIRED = { reason: 'ApprovalNotRequired', message: 'Nobody has to approve it.' };

function rejected({ name, by, reason }: Decision): string {
  const why = reason === undefined ? '' : `: ${reason.replace(/[.\s]+$/, '')}`;
  return `It was rejected by ${by} (Approval ${name})${why}.`;
}

/** Several Approvals of one person are one. */
function peopleOf(approvals: readonly Decision[]): readonly string[] {
  return [...new Set(approvals.map(({ by }) => by))].sort();
}

function waiting(people: readonly string[], count: number): string {
  const who = people.length === 0 ? '' : ` (${people.join(', ')})`;
  return `It waits for an Approval: ${people.length} of ${count} people have approved it${who}.`;
}

/** Why an Approval does not count; undefined for one that does. */
function discount(
  { name, isOlder, isUnverified }: Decision,
  { areSignaturesChecked }: ObservedDecisions,
): string | undefined {
  if (isOlder) return `Approval ${name} does not count, because it is older than this version.`;
  if (isUnverified && areSignaturesChecked) return `Approval ${name} does not count, because it is Unverified.`;
  return undefined;
}
