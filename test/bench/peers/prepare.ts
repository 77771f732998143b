/** Gets the programs that the bench compares: ours and client-node's are bundled, Go's is built, Pepr is installed. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { cacheFolder } from '../../../hack/kube/binaries.ts';
import type { Contender } from './contender.ts';

const GO_MODULE = join(import.meta.dirname, 'controller-runtime');
const PEPR = join(import.meta.dirname, 'pepr');

/**
 * Ours is the first. The folder takes what is bundled; what took long to build goes to the user's cache. A peer that cannot be
 * had on this machine is left out, with a word about it.
 */
export async function prepareContenders(folder: string, profiles: string | undefined): Promise<readonly Contender[]> {
  const ours = { name: 'slipway kube', command: await nodeCommand(folder, 'slipway-kube', profiles) };
  const peers: Readonly<Record<string, () => Promise<Contender>>> = {
    'controller-runtime': async () => ({ name: `controller-runtime ${goModuleVersion()}`, command: [await buildGo()] }),
    'client-node': async () => ({
      name: `client-node ${nodePackageVersion()}`,
      command: await nodeCommand(folder, 'client-node', profiles),
    }),
    pepr: () => preparePepr(profiles),
  };
  const contenders: Contender[] = [ours];
  for (const [name, prepare] of Object.entries(peers)) {
    try {
      contenders.push(await prepare());
    } catch (cause) {
      console.log(`left out: ${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  return contenders;
}

/** Bundled, and with the flags of Node, as the operator is in its image. */
async function nodeCommand(folder: string, name: string, profiles: string | undefined): Promise<string[]> {
  const dir = join(folder, name);
  const input = join(import.meta.dirname, `${name}.ts`);
  await build({ input, platform: 'node', output: { dir, format: 'esm' }, logLevel: 'silent' });
  return [process.execPath, '--max-semi-space-size=4', ...profiling(profiles, name), join(dir, `${name}.js`)];
}

function profiling(profiles: string | undefined, name: string): string[] {
  return profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, name)}`];
}

/** Not bundled, because Pepr's own image is not, either: it runs what npm installs, with Node's own flags. */
async function preparePepr(profiles: string | undefined): Promise<Contender> {
  const installed = join(PEPR, 'node_modules', '.package-lock.json');
  const lock = join(PEPR, 'package-lock.json');
  if (!existsSync(installed) || statSync(lock).mtimeMs > statSync(installed).mtimeMs) {
    console.log('Installing Pepr, once: about a minute …');
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', args, { cwd: PEPR });
  }
  const { version } = JSON.parse(readFileSync(join(PEPR, 'node_modules', 'pepr', 'package.json'), 'utf8')) as {
    version: string;
  };
  const pepr = {
    name: `pepr ${version}`,
    command: [process.execPath, ...profiling(profiles, 'pepr'), join(PEPR, 'main.ts')],
    env: { PEPR_WATCH_MODE: 'true' },
    manifest: readFileSync(join(PEPR, 'install.yaml'), 'utf8'),
    note: 'Pepr takes no number of workers: one queue stands for one worker, and for more it works on all objects at once, so no rate.',
  };
  const oneQueue = {
    ...pepr,
    name: `${pepr.name}, one queue`,
    env: { ...pepr.env, PEPR_RECONCILE_STRATEGY: 'global' },
  };
  const allAtOnce = { ...pepr, name: `${pepr.name}, all at once`, beginsAllAtOnce: true as const };
  return { ...pepr, withWorkers: (count) => (count === 1 ? oneQueue : allAtOnce) };
}

async function buildGo(): Promise<string> {
  const folder = join(cacheFolder(), 'bench');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'controller-runtime');
  const env = { ...process.env, CGO_ENABLED: '0' };
  // Always asked for: with nothing changed Go's own cache answers in a second.
  await promisify(execFile)('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', program, '.'], {
    cwd: GO_MODULE,
    env,
  });
  return program;
}

function goModuleVersion(): string {
  const module = readFileSync(join(GO_MODULE, 'go.mod'), 'utf8');
  return /sigs\.k8s\.io\/controller-runtime (\S+)/.exec(module)?.[1] ?? 'unknown';
}

function nodePackageVersion(): string {
  const { resolve } = createRequire(import.meta.url);
  const entry = resolve('@kubernetes/client-node');
  const manifest = join(entry.slice(0, entry.lastIndexOf('client-node')), 'client-node', 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
