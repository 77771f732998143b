import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isExecutable } from './executable.ts';
import { withFileLock } from './file-lock.ts';
import { buildFromSource } from './go-build.ts';
import { program } from './programs.ts';
import type { BinaryName } from './programs.ts';
import { downloadRelease } from './release-download.ts';

export type { BinaryName } from './programs.ts';

export interface FindOptions {
  /** Told what happens, a line at a time; nothing is said of what is found at once. */
  readonly progress?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** The folder of everything that took long to get and is the same for every checkout. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'slipway');
}

/** One run asks a closed network once, not once for each program. */
let releasesReachable = true;

/**
 * Paths of programs, looked for in the folder that KUBEBUILDER_ASSETS or SLIPWAY_KUBE_BIN names, then in the cache; else they
 * are downloaded as official releases, or built from source. Rejects with what to do when there is neither network nor Go.
 */
export async function findBinaries<N extends BinaryName>(
  names: readonly N[],
  { progress = () => {}, env = process.env }: FindOptions = {},
): Promise<Record<N, string>> {
  const found: Partial<Record<N, string>> = {};
  for (const name of names) found[name] = await findBinary(name, progress, env);
  return found as Record<N, string>;
}

/** The path of a program that need not be downloaded or built first; undefined of any other. */
export function binaryAtHand(name: BinaryName, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = [env['SLIPWAY_KUBE_BIN'], env['KUBEBUILDER_ASSETS']].filter((folder) => folder !== undefined);
  return [...given, cachedIn(name, env)].map((folder) => join(folder, name)).find(isExecutable);
}

function cachedIn(name: BinaryName, env: NodeJS.ProcessEnv): string {
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  return join(cacheFolder(env), 'bin', `${name}-${program(name, arch).version}-${arch}`);
}

async function findBinary(name: BinaryName, progress: (line: string) => void, env: NodeJS.ProcessEnv): Promise<string> {
  const ready = binaryAtHand(name, env);
  if (ready !== undefined) return ready;
  const folder = cachedIn(name, env);
  const path = join(folder, name);
  mkdirSync(folder, { recursive: true });
  await withFileLock(join(folder, 'lock'), async () => {
    if (!isExecutable(path)) await obtain(name, path, progress);
  });
  return path;
}

async function obtain(name: BinaryName, path: string, progress: (line: string) => void): Promise<void> {
  const wanted = program(name, process.arch === 'arm64' ? 'arm64' : 'amd64');
  const started = Date.now();
  if (releasesReachable) {
    progress(`${name} ${wanted.version}: downloading the release`);
    const failure = await downloadRelease(wanted, path).catch((cause: unknown) => cause as Error);
    if (failure === undefined) return progress(`${name}: downloaded in ${seconds(started)} s`);
    releasesReachable = false;
    progress(`${name}: no release to be had (${failure.message}); building from source instead`);
  }
  const ticker = setInterval(() => progress(`${name}: still building, ${seconds(started)} s`), 30_000);
  try {
    progress(`${name} ${wanted.version}: building from source, once (up to ${wanted.buildSeconds} s on two cores)`);
    await buildFromSource(wanted, path);
    progress(`${name}: built in ${seconds(started)} s`);
  } catch (cause) {
    throw new Error(
      `${name} ${wanted.version} is neither at hand, nor to be downloaded, nor could it be built (${(cause as Error).message}). ` +
        'Install Go 1.26 or newer, or put the program into a folder and name that in SLIPWAY_KUBE_BIN.',
      { cause },
    );
  } finally {
    clearInterval(ticker);
  }
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
