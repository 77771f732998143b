/** What is put between a client and a model server. Another gateway is one more function that starts it with the same order. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Target {
  readonly httpPort: number;
  readonly grpcPort: number;
}

export interface Contender {
  readonly name: string;
  readonly ports: { readonly http: number; readonly grpc: number };
  /** Its processes, whose processor time is counted. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Hands what is for the host `localhost` to the target. */
export async function startOurs({ httpPort, grpcPort }: Target): Promise<Contender> {
  const child = fork(join(import.meta.dirname, 'slipway.ts'), [String(httpPort), String(grpcPort)]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return {
    name: 'Slipway',
    ports: { http: port, grpc: port },
    pids: [child.pid ?? 0],
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
