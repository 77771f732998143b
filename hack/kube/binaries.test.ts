import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheFolder, findBinaries } from './binaries.ts';
import { withFileLock } from './file-lock.ts';
import { ETCD_VERSION, KUBERNETES_VERSION } from './versions.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-binaries-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('takes a program from the folder that the environment names', async () => {
  const path = join(folder, 'etcd');
  writeFileSync(path, '');
  chmodSync(path, 0o755);

  expect(await findBinaries(['etcd'], { env: { KUBEBUILDER_ASSETS: folder } })).toEqual({ etcd: path });
});

it('keeps the cache where the user keeps caches', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe('/c/slipway');
});

it('pins the same versions in go.mod', () => {
  const mod = readFileSync(join(import.meta.dirname, 'go.mod'), 'utf8');

  expect(mod).toContain(`k8s.io/kubernetes ${KUBERNETES_VERSION}`);
  expect(mod).toContain(`go.etcd.io/etcd/server/v3 ${ETCD_VERSION}`);
});

it('lets one at a time work under a lock', async () => {
  const order: string[] = [];
  const first = withFileLock(join(folder, 'lock'), async () => {
    order.push('first in');
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('first out');
  });
  await Promise.all([first, withFileLock(join(folder, 'lock'), async () => void order.push('second'))]);

  expect(order).toEqual(['first in', 'first out', 'second']);
});

it.each([
  ['that died', '999999999'],
  ['that was killed before it wrote its number', ''],
])('takes over the lock of a process %s', async (_, content) => {
  writeFileSync(join(folder, 'lock'), content);
  utimesSync(join(folder, 'lock'), 0, 0);

  expect(await withFileLock(join(folder, 'lock'), async () => 'done')).toBe('done');
});
