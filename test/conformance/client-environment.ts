/** Pythons with other people's clients, each in an environment of its own, which is made once and kept. */
import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../hack/kube/binaries.ts';

export const run = promisify(execFile);

/** @param packages with their versions. @returns the path of a Python that has them. Rejects when one cannot be installed. */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cacheFolder(), 'conformance', name);
  const python = join(folder, 'bin', 'python');
  const installed = join(folder, 'installed');
  if (existsSync(installed)) return python;
  rmSync(folder, { recursive: true, force: true });
  console.log(`${name}: installing ${packages.join(', ')}`);
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...packages]);
  writeFileSync(installed, '');
  return python;
}

/** A client, or why there is none: then its tests are skipped, and say so. */
export interface ClientEnvironment {
  readonly python: string;
  readonly obstacle: string | undefined;
}

export async function clientEnvironment(name: string, packages: readonly string[]): Promise<ClientEnvironment> {
  try {
    return { python: await pythonWith(name, packages), obstacle: undefined };
  } catch (cause) {
    const [line = ''] = (cause as Error).message.split('\n').slice(-1);
    return { python: '', obstacle: `${name} cannot be installed: ${line}` };
  }
}
