/** A MinIO of our own, for tests: built once from its Go module, which is the only way it is published now. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from '../../hack/kube/binaries.ts';
import { isExecutable } from '../../hack/kube/executable.ts';
import { withFileLock } from '../../hack/kube/file-lock.ts';
import { buildFromSource } from '../../hack/kube/go-build.ts';
import { freePort } from '../free-ports.ts';

const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';

export const ACCESS_KEY = 'slipway';
export const SECRET_KEY = 'slipway-secret';

export interface RunningMinio {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** Path of the program. Rejects when it cannot be had: no Go, or no network to build it the first time. */
async function minioProgram(): Promise<string> {
  const folder = join(cacheFolder(), 'bin', `minio-${VERSION}`);
  const path = join(folder, 'minio');
  mkdirSync(folder, { recursive: true });
  await withFileLock(join(folder, 'lock'), async () => {
    if (isExecutable(path)) return;
    await buildFromSource({ version: VERSION, source: { kind: 'install', package: 'github.com/minio/minio' } }, path);
  });
  return path;
}

export async function startMinio(): Promise<RunningMinio> {
  const program = await minioProgram();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-minio-'));
  const [port, console] = [await freePort(), await freePort()];
  const addresses = ['--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${console}`];
  const child = spawn(program, ['server', folder, '--quiet', ...addresses], {
    stdio: 'ignore',
    env: { HOME: folder, MINIO_ROOT_USER: ACCESS_KEY, MINIO_ROOT_PASSWORD: SECRET_KEY, MINIO_UPDATE: 'off' },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`MinIO ended with ${child.exitCode}`);
    await sleep(100);
  }
  return { port, stop };
}

function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/minio/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}
