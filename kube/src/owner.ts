import type { DeepReadonly, KubeKind, KubeObject, ObjectKey, OwnerReference } from './types.ts';

/** The owner reference that says which object manages this one; there is at most one. */
export function controllerOf(object: DeepReadonly<KubeObject>): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** An index function: finds children by the uid of the object that controls them. */
export function byControllerUid(object: DeepReadonly<KubeObject>): readonly string[] {
  const controller = controllerOf(object);
  return controller === undefined ? [] : [controller.uid];
}

/** A map function: wakes the object of the kind that controls the changed one. */
export function toController(owner: KubeKind): (object: DeepReadonly<KubeObject>) => readonly ObjectKey[] {
  return (object) => {
    const controller = controllerOf(object);
    if (controller?.kind !== owner.kind || groupOf(controller.apiVersion) !== owner.group) return [];
    const { namespace } = object.metadata;
    return [
      owner.namespaced && namespace !== undefined ? { namespace, name: controller.name } : { name: controller.name },
    ];
  };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : '';
}
