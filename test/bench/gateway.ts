/**
 * What a gateway costs between a client and a model server: `npm run bench -- gateway`. Each round asks the server directly, then through each
 * gateway, so that what else the machine does meets all of them.
 */
import { INFER_PATH, inferJson, inferMessage } from './serving/infer-message.ts';
import { MODELS } from './serving/models.ts';
import { byTurns, median, perSecond } from './serving/row.ts';
import { startSlipway } from './serving/servers.ts';
import { putLoad } from './serving/load/load.ts';
import type { LoadResult } from './serving/load/load.ts';
import { startOurs } from './gateway/contenders.ts';
import { startNginx } from './gateway/nginx.ts';
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
    console.log('| load | through | p50 | p99 | added p50 | added p99 | requests | CPU of the gateway a request |');
    console.log('|---|---|---|---|---|---|---|---|');
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
  const direct = load.kind === 'grpc' ? server.grpcPort : server.httpPort;
  const rounds = await byTurns(ROUNDS, async () => {
    const results = [await ask(load, direct, [])];
    for (const { ports, pids } of contenders) results.push(await ask(load, ports[load.kind], pids));
    return results;
  });
  const names = ['nothing', ...contenders.map(({ name }) => name)];
  for (const [index, name] of names.entries()) {
    const of = (value: (result: LoadResult) => number) =>
      median(rounds.flatMap((round) => round.slice(index, index + 1)).map(value));
    const added = (value: (result: LoadResult) => number) =>
      median(
        rounds.map(([first, ...more]) =>
          more[index - 1] === undefined || first === undefined
            ? NaN
            : value(more[index - 1] as LoadResult) - value(first),
        ),
      );
    const cells = [
      load.name,
      name,
      milliseconds(of(({ p50 }) => p50)),
      milliseconds(of(({ p99 }) => p99)),
      index === 0 ? '' : milliseconds(added(({ p50 }) => p50)),
      index === 0 ? '' : milliseconds(added(({ p99 }) => p99)),
      perSecond(of((result) => result.perSecond)),
      index === 0 ? '' : `${of(({ serverCpuMicroseconds }) => serverCpuMicroseconds).toFixed(0)} µs`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
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

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
