/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestError } from '../../protocol/errors.ts';
import type { ServerContext } from '../../server/context.ts';
import type { Methods } from './proto-service.ts';
import type { StreamingCall } from './rpc.ts';

interface HealthRequest {
  readonly service: string;
}

/** How often a watcher's server is looked at. */
const WATCH_MS = 1_000;

/** `services`: full names of those that have the health of the server. */
export function healthMethods(context: ServerContext, services: readonly string[]): Methods {
  const healthOf = (service: string) => {
    if (service !== '' && !services.includes(service)) return 'SERVICE_UNKNOWN';
    return context.obstacle() === undefined ? 'SERVING' : 'NOT_SERVING';
  };
  return {
    unary: {
      Check: ({ service }: HealthRequest) => {
        const status = healthOf(service);
        if (status === 'SERVICE_UNKNOWN') throw new RequestError('NotFound', 'there is no service of that name');
        return { status };
      },
    },
    streaming: {
      Watch: async (requests: AsyncIterable<HealthRequest>, call: StreamingCall) => {
        for await (const { service } of requests) await watch(() => healthOf(service), call);
      },
    },
  };
}

/** Tells the health whenever it is another one, until the client has gone. */
async function watch(health: () => string, call: StreamingCall): Promise<void> {
  let told: string | undefined;
  while (!call.signal.aborted) {
    const status = health();
    if (status !== told) await call.send({ status });
    told = status;
    await sleep(WATCH_MS, undefined, { signal: call.signal, ref: false }).catch(() => {});
  }
}
