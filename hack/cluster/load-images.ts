import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { containerdSocket } from './box/node.ts';
import { run } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import { runningCluster } from './state.ts';

/**
 * Puts images from docker-archive or OCI tars into a running cluster, those of tars that were loaded before left alone.
 * Returns for each tar its image named by digest, which pods can use as well as its tag. Rejects with containerd's words.
 */
export async function loadImages(cluster: string, tars: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (runningCluster(cluster) === undefined) {
    throw new Error(`cluster ${cluster} is down; \`npm run cluster -- up\` starts it`);
  }
  const layout = clusterLayout(cluster);
  const ctr = async (...args: string[]) => {
    const command = ['--address', containerdSocket(layout), '--namespace', 'k8s.io', 'images', ...args];
    const { code, stdout, stderr } = await run('ctr', command);
    if (code !== 0) throw new Error(`ctr images ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  const record = join(layout.images, 'loaded.json');
  const loaded = readRecord(record);
  for (const tar of tars.filter((path) => !loaded.has(version(path)))) {
    // "unpacking docker.io/slipway/operator:0.1.0 (sha256:…)...done"
    const [, reference = '', digest = ''] =
      /unpacking (\S+) \((sha256:[0-9a-f]+)\)/.exec(await ctr('import', tar)) ?? [];
    if (digest === '') throw new Error(`${tar} holds no image that containerd could read`);
    const pinned = `${reference.replace(/:[^:/]+$/, '')}@${digest}`;
    await ctr('tag', '--force', reference, pinned);
    // The tag now means this tar, and no other that had it.
    for (const [key, other] of loaded) if (other.split('@')[0] === pinned.split('@')[0]) loaded.delete(key);
    loaded.set(version(tar), pinned);
    writeFileSync(record, JSON.stringify([...loaded]));
  }
  return new Map(tars.map((tar) => [tar, loaded.get(version(tar)) ?? '']));
}

/** A tar as it is now: one written anew under the same name is another. */
function version(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${resolve(path)} ${size} ${mtimeMs}`;
}

function readRecord(path: string): Map<string, string> {
  try {
    return new Map(JSON.parse(readFileSync(path, 'utf8')) as [string, string][]);
  } catch {
    return new Map();
  }
}
