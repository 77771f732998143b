import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './programs.ts';

/** Long enough for a slow answer, short enough that a closed network costs nothing beside a build. */
const CONNECT_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** Downloads a release, checks it against the published checksum, and puts the program at `destination`. Rejects when it cannot. */
export async function downloadRelease({ release }: Program, destination: string): Promise<void> {
  const checksum = await expectedChecksum(release);
  const bytes = Buffer.from(await (await request(release.url, DOWNLOAD_TIMEOUT_MS)).arrayBuffer());
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== checksum) throw new Error(`${release.url} has sha256 ${actual}, but ${checksum} was published`);
  const folder = mkdtempSync(`${destination}.download-`);
  try {
    const file = join(folder, 'download');
    writeFileSync(file, bytes);
    if (release.inArchive !== undefined) execFileSync('tar', ['-xzf', file, '-C', folder, release.inArchive]);
    const program = release.inArchive === undefined ? file : join(folder, release.inArchive);
    chmodSync(program, 0o755);
    renameSync(program, destination);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A checksum file holds either the bare sum or lines of `SUM  NAME`. */
async function expectedChecksum({ url, checksumUrl }: Program['release']): Promise<string> {
  const text = await (await request(checksumUrl, CONNECT_TIMEOUT_MS)).text();
  const name = url.split('/').at(-1) ?? '';
  const lines = text.trim().split('\n');
  const line = lines.length === 1 ? lines[0] : lines.find((candidate) => candidate.endsWith(name));
  const sum = line?.trim().split(/\s+/)[0];
  if (sum === undefined || !/^[0-9a-f]{64}$/.test(sum)) throw new Error(`${checksumUrl} holds no checksum of ${name}`);
  return sum;
}

async function request(url: string, timeoutMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
