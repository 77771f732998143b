/**
 * The one entry of every npm script. It runs under whatever Node the machine has, installs the dependencies when they are
 * missing or out of date, and hands over to the pinned Node 24 that is one of them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const SCRIPTS = {
  demo: 'hack/demo/main.ts',
  cluster: 'hack/cluster/main.ts',
  test: 'hack/test/main.ts',
  bench: 'test/bench/main.ts',
  'test:faults': 'test/faults/main.ts',
  generate: 'hack/generate.ts',
  check: 'hack/test/main.ts',
};

const [name, ...args] = process.argv.slice(2);
const script = SCRIPTS[name];
if (script === undefined) {
  console.error(`usage: node hack/start.mjs ${Object.keys(SCRIPTS).join('|')} [arguments]`);
  process.exit(2);
}

const node = join(root, 'node_modules', '.bin', 'node');
const installed = join(root, 'node_modules', '.package-lock.json');
if (!existsSync(node) || !existsSync(installed) || isNewer(join(root, 'package-lock.json'), installed)) install();

const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };
const child = spawn(node, [join(root, script), ...(name === 'check' ? ['check'] : []), ...args], {
  stdio: 'inherit',
  cwd: root,
  env,
});
// The terminal sends Ctrl-C to the child too; this process only has to outlive it, to report its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 130));

function install() {
  console.log('Installing dependencies, once: about a minute …');
  const started = Date.now();
  // Not `npm ci`: that refuses the lockfile where a registry lacks the optional packages of other platforms. This installs the
  // same versions, and fails the same way where the lockfile does not fit package.json.
  const result = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (result.status !== 0) {
    console.error('`npm install` failed (see above). It needs npm 10 or newer and a registry it can reach.');
    process.exit(1);
  }
  console.log(`Dependencies installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

function isNewer(a, b) {
  return statSync(a).mtimeMs > statSync(b).mtimeMs;
}
