import { ignoreNotFound } from '@slipway/kube';
import type { DeepReadonly, KubeClient, KubeKind, KubeObject, ObjectKey } from '@slipway/kube';

/**
 * A version that a Job says was made. The cache may not have it yet: only the API server can say that it is gone, and "gone"
 * means that a person deleted it.
 */
export async function findPublished<V extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  kind: KubeKind<V>,
  key: ObjectKey,
  cached: DeepReadonly<V> | undefined,
): Promise<DeepReadonly<V> | undefined> {
  return cached ?? ((await ignoreNotFound(client.get(kind, key))) as DeepReadonly<V> | undefined);
}
