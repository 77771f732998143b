/**
 * Runs outside of a box, one process a cluster: starts the box, keeps the local port of its API server open, and ends with it.
 * The box hangs on this process's end of a pipe, so it also ends when this one is killed.
 */
import { spawn } from 'node:child_process';
import { openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { BinaryName } from '../kube/programs.ts';
import { API_PORT, clusterLayout, NODE_ADDRESS } from './layout.ts';
import { listenOutside } from './box/relay.ts';
import type { ClusterState } from './state.ts';

const { name, binaries } = JSON.parse(process.argv[2] ?? '{}') as {
  name: string;
  binaries: Record<BinaryName, string>;
};
const layout = clusterLayout(name);

const apiPort = await freePort();
await listenOutside(layout.socket, { port: apiPort, address: () => `${NODE_ADDRESS}:${API_PORT}` });
const log = openSync(join(layout.logs, 'box.log'), 'w');
const request = JSON.stringify({ name, binaries, publicUrl: `https://127.0.0.1:${apiPort}` });
const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const box = spawn('unshare', [...namespaces, process.execPath, join(import.meta.dirname, 'box', 'init.ts'), request], {
  stdio: ['pipe', log, log],
});
const state: ClusterState = { name, supervisor: process.pid, apiPort };
writeFileSync(layout.state, JSON.stringify(state));

box.on('exit', (code) => {
  rmSync(layout.state, { force: true });
  process.exit(code ?? 1);
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => box.stdin?.end());

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
