import type { KubeKind, ObjectKey } from './types.ts';

/** Of all kinds of a group in a version. */
export function groupPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** Of all objects of a kind, in one namespace or in all. */
export function collectionPath(kind: KubeKind, namespace: string | undefined): string {
  const root = groupPath(kind.group, kind.version);
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind.plural}`;
}

/** Of one object. Throws where the key cannot be one: an empty or dotted name would address something else. */
export function objectPath(kind: KubeKind, key: ObjectKey, subresource?: string): string {
  if (kind.namespaced && key.namespace === undefined) throw new Error(`${kind.kind} "${key.name}" needs a namespace`);
  if (!/^[^/%]+$/.test(key.name) || key.name === '.' || key.name === '..')
    throw new Error(`"${key.name}" is not the name of a ${kind.kind}`);
  const tail = subresource === undefined ? '' : `/${subresource}`;
  return `${collectionPath(kind, key.namespace)}/${encodeURIComponent(key.name)}${tail}`;
}
