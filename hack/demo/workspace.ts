/** A copy of examples/flights in a Git repository of the demo's own, so that what it changes can be shown as a diff. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../kube/binaries.ts';

export interface Workspace {
  readonly folder: string;
  /** Replaces text in a file; throws when it is not there. */
  edit(file: string, change: readonly [from: string, to: string]): void;
  /** What was edited since the last commit. */
  diff(): string;
  commit(message: string): void;
}

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'flights');

export function createWorkspace(): Workspace {
  const folder = join(cacheFolder(), 'demo', 'flights');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(EXAMPLE, folder, { recursive: true });
  const author = ['-c', 'user.name=Slipway demo', '-c', 'user.email=demo@slipway.dev', '-c', 'commit.gpgsign=false'];
  const git = (...args: string[]) => execFileSync('git', [...author, ...args], { cwd: folder, encoding: 'utf8' });
  const commit = (message: string) => {
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '--message', message);
  };
  git('init', '--quiet');
  commit('The example as it is');
  return {
    folder,
    commit,
    edit: (file, [from, to]) => {
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      if (!text.includes(from)) throw new Error(`${path} does not hold "${from}"`);
      writeFileSync(path, text.replace(from, to));
    },
    diff: () => git('diff', '--unified=1', process.stdout.isTTY ? '--color=always' : '--color=never'),
  };
}
