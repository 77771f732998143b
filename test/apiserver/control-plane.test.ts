import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';

const planes: ControlPlane[] = [];
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop();
});

async function start(): Promise<ControlPlane> {
  const plane = await startControlPlane();
  planes.push(plane);
  return plane;
}

/** Command lines of living processes that name a folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .map((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it ended meanwhile
      }
    })
    .filter((command) => command.includes(folder));
}

async function gone(folder: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while ((existsSync(folder) || processesOf(folder).length > 0) && Date.now() < deadline) await sleep(100);
  expect(processesOf(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
}

it('runs the pinned Kubernetes, keeps objects, answers nobody without rights, and leaves nothing behind when stopped', async () => {
  const plane = await start();

  const version = JSON.parse((await plane.kubectl(['version', '-o', 'json'])).stdout) as {
    serverVersion: { major: string; minor: string };
  };
  expect(version.serverVersion).toMatchObject({ major: '1', minor: '36' });
  await plane.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']);
  expect((await plane.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).stdout).toBe('b');
  const as = '--as=system:serviceaccount:default:default';
  expect((await plane.kubectl(['get', 'secrets', as])).stderr).toContain('forbidden');
  expect(processesOf(plane.folder).length).toBeGreaterThan(1);

  await plane.stop();
  expect(processesOf(plane.folder)).toEqual([]);
  expect(existsSync(plane.folder)).toBe(false);
});

it('keeps two apart, and the objects of one over a restart of its API server', async () => {
  const [one, other] = await Promise.all([start(), start()]);
  await one.kubectl(['create', 'configmap', 'mine']);
  await one.restartApiServer();

  expect((await one.kubectl(['get', 'configmap', 'mine'])).code).toBe(0);
  expect((await other.kubectl(['get', 'configmap', 'mine'])).stderr).toContain('NotFound');
});

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  it(`ends with the process that started it, when a ${signal} ends that with its whole process group`, async () => {
    const module = join(import.meta.dirname, 'control-plane.ts');
    const script = `const { startControlPlane } = await import(${JSON.stringify(module)});
      console.log((await startControlPlane()).folder); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const folder = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
    expect(processesOf(folder).length).toBeGreaterThan(1);

    process.kill(-(child.pid ?? 0), signal);
    await gone(folder);
  });
}
