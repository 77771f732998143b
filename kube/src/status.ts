import { canonicalJson } from './canonical.ts';
import type { KubeClient } from './client.ts';
import { ignoreNotFound } from './errors.ts';
import type { Scope } from './result.ts';
import { apiVersionOf, type DeepReadonly, type KubeKind, type KubeObject } from './types.ts';

export interface StatusDeps {
  readonly client: KubeClient;
  readonly kind: KubeKind;
  readonly fieldManager: string;
}

/**
 * Writes the whole status by server-side apply, unless the object already has exactly this one. Returns whether it wrote.
 *
 * The uid and the version of the object go along: a late write cannot hit a namesake, bring back what was deleted, or
 * overwrite what a newer pass has written. The uid alone would not do, because the status of a custom resource takes it
 * without a look (tried on 1.36). If the object is gone nothing happens. Members that are undefined or null are not
 * sent, because the server would drop them too.
 *
 * @throws KubeApiError `isConflict` when the object has changed since it was read; the next pass sees the new one.
 */
export async function writeStatus(
  { client, kind, fieldManager }: StatusDeps,
  object: DeepReadonly<KubeObject & { status?: unknown }>,
  status: object,
  scope: Scope,
): Promise<boolean> {
  const wanted = withoutNulls(status) as object;
  if (canonicalJson(wanted) === canonicalJson(withoutNulls(object.status ?? {}))) return false;
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const configuration = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    status: wanted,
  };
  const written = await ignoreNotFound(
    client.applyStatus(kind, configuration, { fieldManager, force: true, signal: scope.signal }),
  );
  return written !== undefined;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutNulls(member)]));
}
