/** nginx of Debian as a gateway: one worker, as ours is one process; connections to the server are kept; no access log. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, Target } from './contenders.ts';
import { freePort } from '../../free-ports.ts';

/** undefined where it is not installed. */
export async function startNginx(target: Target): Promise<Contender | undefined> {
  const version = versionOfNginx();
  if (version === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-nginx-'));
  const ports = { http: await freePort(), grpc: await freePort() };
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, ports, target));
  const args = ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  const child = spawn('nginx', [...args, '-g', 'daemon off;'], { stdio: 'inherit' });
  const pids = await processesOf(child.pid ?? 0);
  return {
    name: `nginx ${version}`,
    ports,
    pids,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

function versionOfNginx(): string | undefined {
  const { stderr } = spawnSync('nginx', ['-v', '-e', '/dev/null'], { encoding: 'utf8' });
  return /nginx\/(\S+)/.exec(stderr ?? '')?.[1];
}

function configuration(folder: string, ports: Contender['ports'], { httpPort, grpcPort }: Target): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
pid ${folder}/pid;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  ${paths.join('\n  ')}
  upstream http_server { server 127.0.0.1:${httpPort}; keepalive 256; }
  upstream grpc_server { server 127.0.0.1:${grpcPort}; keepalive 256; }
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${ports.http};
    location / {
      proxy_pass http://http_server;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
  server {
    listen 127.0.0.1:${ports.grpc} http2;
    location / { grpc_pass grpc://grpc_server; }
  }
}
`;
}

/** The master and its worker, which it starts a moment later. */
async function processesOf(master: number): Promise<readonly number[]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const workers = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number);
    if (workers.length > 0) return [master, ...workers];
    await sleep(50);
  }
  throw new Error('nginx has started no worker');
}
