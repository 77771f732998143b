/** The programs that the bench compares, each a process of its own that is measured from outside. */
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { cacheFolder } from '../../../hack/kube/binaries.ts';
import { processorSeconds, residentMebibytes } from '../resources.ts';

const GO_MODULE = join(import.meta.dirname, 'controller-runtime');

export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  /** What the job `sync` takes besides. */
  readonly syncArguments?: readonly string[];
}

export interface RunningContender {
  processorSeconds(): number;
  residentMebibytes(): { readonly now: number; readonly peak: number };
  /** Resolves with the count of objects when its cache is filled. Only in the job `sync`. */
  readonly filled: Promise<number>;
  /** Rejects when the process ends before `stop`. */
  readonly unexpectedEnd: Promise<never>;
  stop(): Promise<void>;
}

/** Ours is the first. The folder takes what is bundled; what took long to build goes to the user's cache. */
export async function prepareContenders(folder: string, profiles: string | undefined): Promise<readonly Contender[]> {
  return [
    { name: 'slipway kube', command: await nodeCommand(folder, 'slipway-kube', profiles) },
    { name: `controller-runtime ${goModuleVersion()}`, command: [await buildGo()] },
    { name: `client-node ${nodePackageVersion()}`, command: await nodeCommand(folder, 'client-node', profiles) },
  ];
}

/** Bundled, and with the flags of Node, as the operator is in its image. */
async function nodeCommand(folder: string, name: string, profiles: string | undefined): Promise<string[]> {
  const dir = join(folder, name);
  const input = join(import.meta.dirname, `${name}.ts`);
  await build({ input, platform: 'node', output: { dir, format: 'esm' }, logLevel: 'silent' });
  const profile = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, name)}`];
  return [process.execPath, '--max-semi-space-size=4', ...profile, join(dir, `${name}.js`)];
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

export interface StartOptions {
  readonly kubeconfigPath: string;
  readonly logPath: string;
}

export function startContender(
  { name, command }: Contender,
  job: readonly string[],
  { kubeconfigPath, logPath }: StartOptions,
): RunningContender {
  const [program = '', ...args] = command;
  const log = openSync(logPath, 'w');
  const child = spawn(program, [...args, ...job], {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, KUBECONFIG: kubeconfigPath },
  });
  closeSync(log);
  const { pid = 0 } = child;
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const unexpectedEnd = new Promise<never>((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      const words = () => readFileSync(logPath, 'utf8').slice(-2000);
      if (!isStopping) reject(new Error(`${name} ended with code ${code}; its last words:\n${words()}`));
    });
  });
  unexpectedEnd.catch(() => {}); // nobody may be waiting just then
  // A failed bench would leave it asking a dead API server for ever.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.off('exit', kill));
  const filled = new Promise<number>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      const count = /filled (\d+)/.exec(chunk.toString())?.[1];
      if (count !== undefined) resolve(Number(count));
    });
  });
  return {
    processorSeconds: () => processorSeconds(pid),
    residentMebibytes: () => residentMebibytes(pid),
    filled,
    unexpectedEnd,
    stop: () => {
      isStopping = true;
      child.kill('SIGTERM');
      return ended;
    },
  };
}
