import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PAUSE_IMAGE } from '../layout.ts';
import { pauseProgram, writePauseImage } from './pause-image.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-pause-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes a program that the kernel takes, that waits, and that a signal ends', async () => {
  const path = join(folder, 'pause');
  writeFileSync(path, pauseProgram(process.arch === 'arm64' ? 'arm64' : 'amd64'), { mode: 0o755 });
  const child = spawn(path, { stdio: 'ignore' });
  const end = new Promise((resolve, reject) =>
    child.on('error', reject).on('exit', (code, signal) => resolve(signal ?? code)),
  );

  expect(await Promise.race([end, sleep(300, 'still there')])).toBe('still there');
  child.kill('SIGTERM');
  expect(await end).toBe('SIGTERM');
});

it('makes an image of the one program, under the name that containerd looks for', () => {
  const archive = writePauseImage(folder);
  const index = JSON.parse(execFileSync('tar', ['-xOf', archive, 'index.json']).toString()) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const manifest = index.manifests[0];
  expect(manifest?.annotations['io.containerd.image.name']).toBe(PAUSE_IMAGE);

  const read = (digest = '') => execFileSync('tar', ['-xOf', archive, digest.replace('sha256:', 'blobs/sha256/')]);
  const { layers } = JSON.parse(read(manifest?.digest).toString()) as { layers: { digest: string }[] };
  const files = execFileSync('tar', ['-t'], { input: read(layers[0]?.digest) }).toString();
  expect(files.trim()).toBe('pause');
});
