/** KServe's Python server and MLServer, from PyPI, with ONNX Runtime inside. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from '../../../hack/kube/binaries.ts';
import type { BenchModel } from './models.ts';
import { writeModel } from './servers.ts';
import type { Served } from './servers.ts';
import { freePort } from '../../free-ports.ts';

/** The version that is in onnxruntime-node too. */
const ONNX_RUNTIME = 'onnxruntime==1.30.0';
const PROGRAMS = join(import.meta.dirname, 'peers', 'python');
const READY_MS = 60_000;

export interface PythonPeer {
  readonly name: string;
  readonly packages: readonly string[];
  start(python: string, model: BenchModel): Promise<Served>;
}

export const KSERVE: PythonPeer = {
  name: 'KServe 0.21.0',
  packages: ['kserve==0.21.0', ONNX_RUNTIME],
  start: startKServe,
};
export const MLSERVER: PythonPeer = {
  name: 'MLServer 1.7.1',
  packages: ['mlserver==1.7.1', ONNX_RUNTIME],
  start: startMlserver,
};

/** A Python of its own with the packages, made once. @throws {Error} where they do not install. */
export async function pythonOf({ name, packages }: PythonPeer): Promise<string> {
  const folder = join(cacheFolder(), 'bench', name.replaceAll(' ', '-').toLowerCase());
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'installed'))) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, '..'), { recursive: true });
  const run = promisify(execFile);
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...packages]);
  writeFileSync(join(folder, 'installing'), '');
  renameSync(join(folder, 'installing'), join(folder, 'installed'));
  return python;
}

async function startKServe(python: string, model: BenchModel): Promise<Served> {
  const file = writeModel(model);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const program = join(PROGRAMS, 'kserve_server.py');
  const child = spawn(python, [program, model.name, file.path, String(httpPort), String(grpcPort)], {
    stdio: 'ignore',
  });
  return whenReady(child, model, { httpPort, grpcPort, remove: file.remove });
}

async function startMlserver(python: string, model: BenchModel): Promise<Served> {
  const file = writeModel(model);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mlserver-'));
  // Inference in the server's own process, where it costs least: with a process of its own it is sent there and back.
  const settings = {
    http_port: httpPort,
    grpc_port: grpcPort,
    metrics_port: await freePort(),
    host: '127.0.0.1',
    parallel_workers: 0,
    debug: false,
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  const implementation = 'mlserver_model.OnnxModel';
  const ofModel = { name: model.name, implementation, parameters: { uri: file.path } };
  writeFileSync(join(folder, 'model-settings.json'), JSON.stringify(ofModel));
  const child = spawn(python, ['-m', 'mlserver.cli.main', 'start', folder], {
    stdio: 'ignore',
    env: { ...process.env, PYTHONPATH: PROGRAMS, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const remove = () => {
    file.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  return whenReady(child, model, { httpPort, grpcPort, remove });
}

async function whenReady(
  child: ChildProcess,
  model: BenchModel,
  { httpPort, grpcPort, remove }: { httpPort: number; grpcPort: number; remove: () => void },
): Promise<Served> {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    remove();
  };
  const until = performance.now() + READY_MS;
  while (!(await isReady(`http://127.0.0.1:${httpPort}/v2/models/${model.name}/ready`))) {
    if (child.exitCode === null && performance.now() < until) await sleep(200);
    else {
      await stop();
      throw new Error('it did not become ready');
    }
  }
  return { pid: child.pid ?? 0, httpPort, grpcPort, rowsPerRun: async () => 1, stop };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
