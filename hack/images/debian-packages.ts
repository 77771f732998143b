import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from './command.ts';
import type { Progress } from './command.ts';

/** Programs that building images needs, with the Debian package of each. */
const PROGRAMS = { buildah: 'buildah', debootstrap: 'debootstrap', flock: 'util-linux', tar: 'tar' } as const;

/** Installs what is missing of the programs that building images needs, and says so. Throws with the command to run where it cannot. */
export async function installMissingPrograms(env: NodeJS.ProcessEnv, progress: Progress): Promise<void> {
  const missing: string[] = [];
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!(await isOnPath(program, env))) missing.push(debianPackage);
  }
  if (missing.length === 0) return;
  const install = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get', env))) {
    throw new Error(`Building images needs ${missing.join(', ')}. Run this on Debian or Ubuntu as root: ${install}`);
  }
  progress(`installing Debian packages: ${missing.join(' ')}`);
  const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, progress, label: 'apt-get' };
  await runCommand('apt-get', ['-qq', 'update'], options);
  await runCommand('apt-get', ['-qq', 'install', '--yes', '--no-install-recommends', ...missing], options);
}

async function isOnPath(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
