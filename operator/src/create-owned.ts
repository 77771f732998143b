import type { Child, DeepReadonly, KubeClient, KubeKind, KubeObject, Owner, Scope } from '@slipway/kube';
import {
  apiVersionOf,
  BlockedError,
  controllerOf,
  ignoreNotFound,
  isStillThere,
  KubeApiError,
  keyOf,
  TransientError,
} from '@slipway/kube';

export interface CreateOptions {
  readonly client: KubeClient;
  readonly owner: Owner;
  readonly fieldManager: string;
}

/**
 * Makes an object with the owner as its controller, unless the owner is gone; returns whether this call made it. POSTed, never
 * applied, as what is not the operator's to change afterwards: the template of a Job, what people write in a ModelRollout. A
 * pass that reads an old cache must not touch the one that is there.
 *
 * @throws BlockedError `NameTaken` when the name belongs to something else.
 * @throws TransientError while the object of a deleted namesake of the owner is still being collected.
 */
export async function createOwned(options: CreateOptions, { kind, object }: Child, scope: Scope): Promise<boolean> {
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
  const owned = { ...object, metadata: { ...object.metadata, ownerReferences: [reference] } };
  try {
    await client.create(kind, owned, { fieldManager, signal: scope.signal });
  } catch (cause) {
    if (!(cause instanceof KubeApiError && cause.isAlreadyExists)) throw cause;
    const existing = await ignoreNotFound(client.get(kind, keyOf(object), { signal: scope.signal }));
    if (existing !== undefined) refuseForeign(owner, kind, existing);
    return false;
  }
  scope.log.info({ child: `${kind.kind} ${object.metadata.name}` }, 'created');
  return true;
}

function refuseForeign(owner: Owner, { kind }: KubeKind, existing: DeepReadonly<KubeObject>): void {
  const controller = controllerOf(existing);
  if (controller?.uid === owner.object.metadata.uid) return;
  const { name } = existing.metadata;
  if (controller?.kind === owner.kind.kind && controller.name === owner.object.metadata.name) {
    throw new TransientError(
      'NameTaken',
      `${kind} "${name}" of a deleted ${controller.kind} is still being collected.`,
    );
  }
  const holder =
    controller === undefined ? 'was not made by this operator' : `belongs to ${controller.kind} "${controller.name}"`;
  throw new BlockedError(
    'NameTaken',
    `${kind} "${name}" already exists and ${holder}. Delete or rename one of the two.`,
  );
}
