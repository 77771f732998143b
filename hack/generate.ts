/** Writes every generated file of the repository; with `--check` it fails where one is out of date. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const GENERATORS = ['crds/src/generate/main.ts', 'hack/generate-rbac.ts', 'cli/src/generate-advice.ts'];

for (const generator of GENERATORS) {
  const { status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '..', generator), ...process.argv.slice(2)],
    {
      stdio: 'inherit',
    },
  );
  if (status !== 0) process.exitCode = 1;
}
