/** Unmodified clients of other people against our model server. */
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addModel, identityModel } from '@slipway/serving-runtime/testing/onnx-model';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import { expect, it } from 'vitest';
import { cacheFolder } from '../../hack/kube/binaries.ts';

const PACKAGES = ['tritonclient[http,grpc]==2.51.0', 'numpy==1.26.4'];

/** A Python with the clients, made once. */
function clientPython(): string {
  const folder = join(cacheFolder(), 'conformance', 'tritonclient-2.51.0');
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'installed'))) return python;
  rmSync(folder, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', folder]);
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: ['ignore', 'inherit', 'inherit'] });
  execFileSync('touch', [join(folder, 'installing')]);
  renameSync(join(folder, 'installing'), join(folder, 'installed'));
  return python;
}

it(
  'answers the client of NVIDIA Triton, over HTTP with JSON and bytes, over gRPC on both ports, as a stream, and as its admin',
  { timeout: 300_000 },
  async () => {
    const python = clientPython();
    const server = await startServer(
      {
        'add/1/model.onnx': addModel(),
        'text/1/model.onnx': identityModel('STRING'),
        'half/1/model.onnx': identityModel('FP16'),
      },
      ['--admin-port=0'],
    );
    try {
      const script = join(import.meta.dirname, 'ask_with_tritonclient.py');
      const { http, grpc, admin } = server.ports;
      const output = execFileSync(python, [script, ...[http, grpc, admin].map(String)], { encoding: 'utf8' });

      expect(output.trim()).toBe('every answer is right');
    } finally {
      await server.stop();
    }
  },
);
