/**
 * What a gateway costs between a client and a model server: `npm run bench -- gateway`. Each round asks the server directly, then through each
 * gateway, so that what else the machine does meets all of them.
 */
import { INFER_PATH, inferJson, inferMessage } from './serving/infer-message.ts';
import { MODELS } from './serving/models.ts';
import { byTurns } from './serving/row.ts';
import { startSlipway } from './serving/servers.ts';
import { putLoad } from './serving/load/load.ts';
import type { LoadResult } from './serving/load/load.ts';
import { startOurs } from './gateway/contenders.ts';
import { startNginx } from './gateway/nginx.ts';
import { rowsOf, TABLE_HEAD } from './gateway/rows.ts';
import { startTraefik } from './gateway/traefik.ts';
import type { Contender } from './gateway/contenders.ts';

const ROUNDS = 3;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 2_000;

interface Load {
  readonly name: string;
  readonly kind: 'grpc' | 'http';
  readonly connections: number;
  /** Of each connection. */
  readonly inFlight: number;
}

/** One at a time shows what is added to each request; many at a time show what a request costs. */
const LOADS: readonly Load[] = [
  { name: 'REST, one at a time', kind: 'http', connections: 1, inFlight: 1 },
  { name: 'REST, 16 connections', kind: 'http', connections: 16, inFlight: 1 },
  { name: 'gRPC, one at a time', kind: 'grpc', connections: 1, inFlight: 1 },
  { name: 'gRPC, 4 connections x 16', kind: 'grpc', connections: 4, inFlight: 16 },
];

export async function benchGateway(): Promise<void> {
  const server = await startSlipway(MODELS.a, { instances: 1 });
  const contenders: Contender[] = [];
  try {
    contenders.push(await startOurs(server));
    const nginx = await startNginx(server);
    if (nginx === undefined) console.log('(nginx is not installed: apt-get install nginx-light puts it beside)');
    else contenders.push(nginx);
    await startTraefik(server).then(
      (traefik) => contenders.push(traefik),
      (cause: unknown) =>
        console.log(`(Traefik is left out: ${cause instanceof Error ? cause.message : String(cause)})`),
    );
    console.log(TABLE_HEAD);
    for (const load of LOADS) await measure(load, { grpcPort: server.grpcPort, httpPort: server.httpPort }, contenders);
  } finally {
    for (const contender of contenders) await contender.stop();
    await server.stop();
  }
}

async function measure(
  load: Load,
  server: { readonly grpcPort: number; readonly httpPort: number },
  contenders: readonly Contender[],
): Promise<void> {
  const directPort = load.kind === 'grpc' ? server.grpcPort : server.httpPort;
  const rounds = await byTurns(ROUNDS, async () => {
    const through: LoadResult[] = [];
    const direct = await ask(load, directPort, []);
    for (const { ports, pids } of contenders) through.push(await ask(load, ports[load.kind], pids));
    return { direct, through };
  });
  const names = contenders.map(({ name }) => name);
  for (const row of rowsOf(load.name, names, rounds)) console.log(row);
}

function ask({ kind, connections, inFlight }: Load, port: number, pids: readonly number[]): Promise<LoadResult> {
  const common = { port, connections, pids, warmUpMs: WARM_UP_MS, measuredMs: MEASURED_MS };
  return kind === 'grpc'
    ? putLoad({ ...common, kind, path: INFER_PATH, bytes: inferMessage(MODELS.a, 1).toString('base64'), inFlight })
    : putLoad({
        ...common,
        kind,
        method: 'POST',
        path: '/v2/models/a/infer',
        bytes: inferJson(MODELS.a, 1).toString('base64'),
      });
}
