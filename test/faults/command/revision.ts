import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

/** The commit that is checked out, with a hash of what differs from it in tracked files. */
export function revision(): string {
  const commit = git('rev-parse', '--short=12', 'HEAD').trim();
  const changes = git('diff', 'HEAD');
  return changes === ''
    ? commit
    : `${commit} with changes ${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`;
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
}
