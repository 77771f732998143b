import type { DeepReadonly, Job, KubeClient, Owner, Scope } from '@slipway/kube';
import {
  apiVersionOf,
  BlockedError,
  builtin,
  controllerOf,
  ignoreNotFound,
  isStillThere,
  KubeApiError,
  keyOf,
  TransientError,
} from '@slipway/kube';

export interface CreateJobOptions {
  readonly client: KubeClient;
  readonly owner: Owner;
  readonly fieldManager: string;
}

/**
 * Makes a Job with the owner as its controller, unless the owner is gone; returns whether this call made it. POSTed, never
 * applied: the template of a Job cannot change, and a pass that reads an old cache must not touch the one that is there.
 *
 * @throws BlockedError `NameTaken` when the name belongs to something else.
 * @throws TransientError while the Job of a deleted namesake of the owner is still being collected.
 */
export async function createOwnedJob(options: CreateJobOptions, job: Job, scope: Scope): Promise<boolean> {
  const { client, owner, fieldManager } = options;
  if (!(await isStillThere(client, owner, scope.signal))) return false;
  const { name, uid = '' } = owner.object.metadata;
  const reference = {
    apiVersion: apiVersionOf(owner.kind),
    kind: owner.kind.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const owned = { ...job, metadata: { ...job.metadata, ownerReferences: [reference] } };
  try {
    await client.create(builtin.Job, owned, { fieldManager, signal: scope.signal });
  } catch (cause) {
    if (!(cause instanceof KubeApiError && cause.isAlreadyExists)) throw cause;
    const existing = await ignoreNotFound(client.get(builtin.Job, keyOf(job), { signal: scope.signal }));
    if (existing !== undefined) refuseForeign(owner, existing);
    return false;
  }
  scope.log.info({ job: job.metadata.name }, 'job created');
  return true;
}

function refuseForeign(owner: Owner, existing: DeepReadonly<Job>): void {
  const controller = controllerOf(existing);
  if (controller?.uid === owner.object.metadata.uid) return;
  const { name } = existing.metadata;
  if (controller?.kind === owner.kind.kind && controller.name === owner.object.metadata.name) {
    throw new TransientError('NameTaken', `Job "${name}" of a deleted ${controller.kind} is still being collected.`);
  }
  const holder =
    controller === undefined ? 'was not made by this operator' : `belongs to ${controller.kind} "${controller.name}"`;
  throw new BlockedError('NameTaken', `Job "${name}" already exists and ${holder}. Delete or rename one of the two.`);
}
