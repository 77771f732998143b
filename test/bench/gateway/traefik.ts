/** Traefik as a gateway, as it comes: all processors, HTTP/1.1 and HTTP/2 at one port, one backend for each protocol in a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from '../../../hack/kube/binaries.ts';
import { TRAEFIK_VERSION } from '../../../hack/kube/versions.ts';
import type { Contender, Target } from './contenders.ts';
import { freePort } from '../../free-ports.ts';

export async function startTraefik(target: Target): Promise<Contender> {
  const { traefik } = await findBinaries(['traefik'], { progress: (line) => console.log(line) });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-traefik-'));
  const port = await freePort();
  // JSON is YAML.
  writeFileSync(join(folder, 'routes.yaml'), JSON.stringify(routesTo(target)));
  const child = spawn(
    traefik,
    [
      `--entryPoints.all.address=127.0.0.1:${port}`,
      `--providers.file.filename=${join(folder, 'routes.yaml')}`,
      '--global.checkNewVersion=false',
      '--log.level=ERROR',
    ],
    { stdio: 'inherit' },
  );
  const stop = async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  };
  await answering(port).catch(async (cause: unknown) => {
    await stop();
    throw cause;
  });
  const name = `Traefik ${TRAEFIK_VERSION.slice(1)}`;
  return { name, ports: { http: port, grpc: port }, pids: [child.pid ?? 0], stop };
}

function routesTo({ httpPort, grpcPort }: Target): object {
  const router = (service: string, prefix: string) => ({ rule: `PathPrefix(\`${prefix}\`)`, service });
  const service = (url: string) => ({ loadBalancer: { servers: [{ url }] } });
  return {
    http: {
      routers: { rest: router('rest', '/v2/'), grpc: router('grpc', '/inference.GRPCInferenceService/') },
      services: { rest: service(`http://127.0.0.1:${httpPort}`), grpc: service(`h2c://127.0.0.1:${grpcPort}`) },
    },
  };
}

/** It listens before it has read its routes. */
async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const isThere = await fetch(`http://127.0.0.1:${port}/v2/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return;
    await sleep(50);
  }
  throw new Error('Traefik does not answer');
}
