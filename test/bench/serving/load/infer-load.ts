import { INFER_PATH, inferMessage } from '../infer-message.ts';
import type { BenchModel } from '../models.ts';
import type { Served } from '../servers.ts';
import { putLoad } from './load.ts';
import type { LoadResult } from './load.ts';

const WARM_UP_MS = 1_000;
const MEASURED_MS = 3_000;

export interface InferLoad {
  readonly connections: number;
  /** Of each connection. */
  readonly inFlight: number;
  /** Of each request. */
  readonly rows?: number;
}

/** Inferences over gRPC. */
export function putInferLoad(
  server: Served,
  model: BenchModel,
  { connections, inFlight, rows = 1 }: InferLoad,
): Promise<LoadResult> {
  return putLoad({
    kind: 'grpc',
    port: server.grpcPort,
    path: INFER_PATH,
    bytes: inferMessage(model, rows).toString('base64'),
    connections,
    inFlight,
    warmUpMs: WARM_UP_MS,
    measuredMs: MEASURED_MS,
    pids: [server.pid],
  });
}
