/** ConfigMaps as the operator remembers them: a cluster may have thousands, some of them large, and only a digest decides anything. */
import { builtin, defineKind } from '@slipway/kube';
import type { ConfigMap, DeepReadonly, KubeObject } from '@slipway/kube';
import { digestOf } from './names.ts';

export interface CodeFiles extends KubeObject {
  /** `sha256:` and 64 digits over names and contents of the files. */
  digest: string;
}

/** The resource of ConfigMaps; its cache keeps what `codeFilesOf` makes of each. */
export const CodeFiles = defineKind<CodeFiles>(builtin.ConfigMap);

export function codeFilesOf({ apiVersion, kind, metadata, data, binaryData }: DeepReadonly<ConfigMap>): CodeFiles {
  const { name, namespace, uid, resourceVersion } = metadata;
  const identity = { name, namespace, uid, resourceVersion } as KubeObject['metadata'];
  return { apiVersion, kind, metadata: identity, digest: digestOf({ data: data ?? {}, binaryData: binaryData ?? {} }) };
}
