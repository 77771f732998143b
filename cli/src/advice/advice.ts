import reasons from './generated/reasons.json' with { type: 'json' };
import type { ReasonEntry } from './reasons-page.ts';

/** Words of Kubernetes about containers, with the reason of ours that says the same. */
const SAME_AS: Readonly<Record<string, string>> = {
  ErrImagePull: 'ImagePullFailed',
  ImagePullBackOff: 'ImagePullFailed',
  InvalidImageName: 'ImagePullFailed',
  ErrImageNeverPull: 'ImagePullFailed',
  CrashLoopBackOff: 'ContainerFailed',
  Error: 'ContainerFailed',
  CreateContainerError: 'ContainerNotCreated',
  CreateContainerConfigError: 'ContainerNotCreated',
  RunContainerError: 'ContainerNotCreated',
  StartError: 'ContainerNotCreated',
  ContainerCannotRun: 'ContainerNotCreated',
};

/** What is not in docs/reasons.md, because the operator never says it: this command found out by itself. */
const OWN: Readonly<Record<string, string>> = {
  NotFound: 'Create it, or correct the name.',
  NotObserved:
    'Wait a moment. If it stays: look at the operator (kubectl get deployment -A -l app.kubernetes.io/name=slipway).',
  Deleting: 'Wait; what holds it is in its metadata.finalizers.',
  NotReadable: 'Ask for the right to read it.',
  ClaimPending: 'Wait; kubectl describe pvc says what it waits for.',
};

/** What to do about a reason of an object of `kind`; undefined where nothing is known, or there is nothing to do but wait. */
export function adviceFor(kind: string, reason: string): string | undefined {
  const name = SAME_AS[reason] ?? reason;
  const entries = (reasons as readonly ReasonEntry[]).filter((entry) => entry.reason === name);
  const ownSection = entries.find(({ section }) => section.includes(kind));
  const advice = (ownSection ?? entries[0])?.advice ?? OWN[name];
  return advice === undefined || advice === 'nothing' ? undefined : advice;
}
