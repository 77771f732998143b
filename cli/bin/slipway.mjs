#!/usr/bin/env node
/**
 * The command `slipway`, also `kubectl slipway`. The sources are TypeScript, which Node 24 runs as it is; where an older Node is
 * first in the PATH, the Node 24 that is installed beside the sources takes over.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(realpathSync(fileURLToPath(import.meta.url)));
const main = join(folder, '..', 'src', 'main.ts');

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main);
} else {
  process.exitCode = runWithNewerNode();
}

function runWithNewerNode() {
  const node = join(folder, '..', '..', 'node_modules', '.bin', 'node');
  if (!existsSync(node)) {
    console.error(`error: slipway needs Node.js 24, and this is ${process.version}.`);
    console.error(`  Install Node.js 24, or run \`npm install\` in ${join(folder, '..', '..')}, which brings it.`);
    return 1;
  }
  // The terminal sends Ctrl-C to both; the child ends in its own way, and this process only has to outlive it.
  process.on('SIGINT', () => {});
  const { status } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  return status ?? 130;
}
