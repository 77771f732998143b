/** `node hack/kube/main.ts NAME …`: prints where the programs are, after getting those that are missing. */
import { findBinaries } from './binaries.ts';
import { BINARY_NAMES } from './programs.ts';
import type { BinaryName } from './programs.ts';

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !BINARY_NAMES.some((known) => known === name));
if (asked.length === 0 || unknown.length > 0) {
  console.error(`usage: node hack/kube/main.ts NAME …\nnames: ${BINARY_NAMES.join(' ')}`);
  process.exitCode = 2;
} else {
  const found = await findBinaries(asked as BinaryName[], { progress: (line) => console.error(line) });
  for (const path of Object.values(found)) console.log(path);
}
