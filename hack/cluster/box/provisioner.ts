/**
 * The default StorageClass of a box: makes a directory and a PersistentVolume for every claim that asks for one, and removes
 * both when the claim is gone. A program of its own, so that it can be restarted like every other process of the box.
 */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { STORAGE_PROVISIONER } from './addons.ts';
import { startWatch } from './kubectl-watch.ts';

interface Claim {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly accessModes: readonly string[];
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

interface Volume {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly hostPath?: { readonly path: string } };
  readonly status?: { readonly phase?: string };
}

const [kubectl = '', kubeconfig = '', volumes = ''] = process.argv.slice(2);
const OURS = 'pv.kubernetes.io/provisioned-by';

async function run(args: readonly string[], stdin?: string): Promise<void> {
  const done = promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args]);
  if (stdin !== undefined) done.child.stdin?.end(stdin);
  await done;
}

async function provision(claim: Claim): Promise<void> {
  if (claim.spec.storageClassName !== 'standard' || claim.spec.volumeName !== undefined) return;
  if (claim.metadata.deletionTimestamp !== undefined) return;
  const { name, namespace, uid } = claim.metadata;
  const path = join(volumes, `${namespace}-${name}-${uid.slice(0, 8)}`);
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777); // whatever user a pod runs as
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `pvc-${uid}`, annotations: { [OURS]: STORAGE_PROVISIONER } },
    spec: {
      capacity: { storage: claim.spec.resources.requests.storage },
      accessModes: claim.spec.accessModes,
      storageClassName: 'standard',
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      hostPath: { path, type: 'Directory' },
    },
  };
  await run(['apply', '--server-side', '-f', '-'], JSON.stringify(volume));
  console.log(`provisioned ${namespace}/${name}`);
}

async function reclaim(volume: Volume): Promise<void> {
  const path = volume.spec.hostPath?.path;
  if (volume.status?.phase !== 'Released' || volume.metadata.annotations?.[OURS] !== STORAGE_PROVISIONER) return;
  if (path?.startsWith(`${volumes}/`) !== true) return;
  await run(['delete', 'persistentvolume', volume.metadata.name, '--wait=false']);
  rmSync(path, { recursive: true, force: true });
  console.log(`reclaimed ${volume.metadata.name}`);
}

/** Tries again until it works: the API server may be restarting, and nobody else will ask. */
function persistently<T>(work: (object: T) => Promise<void>): (object: T) => Promise<void> {
  return async (object) => {
    for (let tries = 0; tries < 10; tries++) {
      try {
        return await work(object);
      } catch (cause) {
        console.error(String(cause));
        await sleep(1000);
      }
    }
  };
}

startWatch<Claim>({ kubectl, kubeconfig, resource: 'persistentvolumeclaims', onObject: persistently(provision) });
startWatch<Volume>({ kubectl, kubeconfig, resource: 'persistentvolumes', onObject: persistently(reclaim) });
