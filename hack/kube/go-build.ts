import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Program } from './programs.ts';
import { KUBERNETES_VERSION } from './versions.ts';

type Source = Pick<Program, 'source' | 'version'>;

const SMALL = ['-trimpath', '-ldflags', '-s -w'];

/**
 * Builds a program from source into `destination`, by way of a temporary folder beside it, so that nobody ever runs half a
 * file. Rejects with the last lines of the compiler's words.
 */
export async function buildFromSource({ source, version }: Source, destination: string): Promise<void> {
  const folder = mkdtempSync(`${destination}.build-`);
  try {
    if (source.kind === 'module') {
      await go(['build', '-trimpath', '-ldflags', linkerFlags(), '-o', join(folder, 'program'), source.package], {});
    } else if (source.kind === 'extracted') {
      const module = await downloadedModule(`${source.module}@${version}`);
      await go(['build', '-C', module, ...SMALL, '-buildvcs=false', '-o', join(folder, 'program'), source.package], {});
    } else {
      await go(['install', ...SMALL, `${source.package}@${version}`], { GOBIN: folder });
      renameSync(join(folder, source.package.split('/').at(-1) ?? ''), join(folder, 'program'));
    }
    renameSync(join(folder, 'program'), destination);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without these the server calls itself v0.0.0, and clients take it for a very old one. */
function linkerFlags(): string {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  const values = { gitVersion: KUBERNETES_VERSION, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const flags = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...flags].join(' ');
}

/** The folder of a module's source. */
export async function downloadedModule(module: string): Promise<string> {
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module]);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

function go(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: import.meta.dirname,
      env: { ...process.env, CGO_ENABLED: '0', ...env },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-2000);
    });
    child.on('error', (cause) => reject(new Error(`go cannot be run: ${cause.message}`)));
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go ${args.slice(0, 1).join('')} failed:\n${words.trim()}`));
    });
  });
}
