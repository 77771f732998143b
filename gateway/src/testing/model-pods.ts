/** Model servers of ours as pods are: each with an address of its own, all of a revision with the same ports. (Linux has all of 127.0.0.0/8.) */
import { addModel } from '@slipway/serving-runtime/testing/onnx-model';
import { startServer } from '@slipway/serving-runtime/testing/running-server';
import type { RunningServer } from '@slipway/serving-runtime/testing/running-server';
import type { Backend } from '../routing/route.ts';
import { aBackend } from './routes.ts';
import { freePorts } from './running-gateway.ts';

export interface ModelPods {
  readonly addresses: readonly string[];
  readonly servers: readonly RunningServer[];
  backend(revision: string, weight: number): Backend;
  stop(): Promise<void>;
}

/** `net`: of the addresses, 127.0.NET.1 and on. They serve `add`, which sums two numbers. */
export async function startModelPods(net: number, count: number, flags: readonly string[] = []): Promise<ModelPods> {
  const [httpPort = 0, grpcPort = 0] = await freePorts(2);
  const addresses = Array.from({ length: count }, (_, index) => `127.0.${net}.${index + 1}`);
  const servers = await Promise.all(
    addresses.map((address) => {
      const at = [`--host=${address}`, `--http-port=${httpPort}`, `--grpc-port=${grpcPort}`];
      return startServer({ 'add/1/model.onnx': addModel() }, [...at, ...flags]);
    }),
  );
  return {
    addresses,
    servers,
    backend: (revision, weight) => aBackend(revision, weight, { at: addresses, httpPort, grpcPort }),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}
