/** Runs the real command in a process of its own, as a container would, and reads what it leaves. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BatchCommand } from '@slipway/crds/batch';
import { afterAll } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts');

export interface Outcome {
  readonly code: number | null;
  /** The JSON of the result file; undefined if none was written. */
  readonly result: Record<string, unknown> | undefined;
  readonly log: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** User and group to run as; the tests' own by default. */
  readonly uid?: number;
}

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Gone after the tests of the file. */
function makeFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

/** A folder that stands for a mounted Store. */
export function makeStore(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const store = makeFolder('slipway-store-');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(store, path)), { recursive: true });
    writeFileSync(join(store, path), content);
  }
  return store;
}

function readResult(file: string): Record<string, unknown> | undefined {
  const text = readFileSync(file, 'utf8');
  return text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

/** Of the tests' own environment nothing else: a container has none of it. */
function inherited(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
}

export function startCommand(
  command: BatchCommand,
  request: object,
  { env = {}, uid }: StartOptions = {},
): RunningCommand {
  const folder = makeFolder('slipway-result-');
  chmodSync(folder, 0o755);
  const resultFile = join(folder, 'termination-log');
  writeFileSync(resultFile, '');
  chmodSync(resultFile, 0o666);
  const child = spawn(process.execPath, [MAIN, command, '--result-file', resultFile], {
    env: { ...inherited('PATH', 'NODE_COMPILE_CACHE'), SLIPWAY_REQUEST: JSON.stringify(request), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => resolve({ code, result: readResult(resultFile), log }));
  });
  return { child, outcome };
}

/** Runs a command to its end. */
export async function runCommand(command: BatchCommand, request: object, options?: StartOptions): Promise<Outcome> {
  return startCommand(command, request, options).outcome;
}
