/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
import type { ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ServerContext } from '../../server/context.ts';
import { unary } from './call.ts';

interface HealthRequest {
  readonly service: string;
}

/** How often a watcher's server is looked at. */
const WATCH_MS = 1_000;

export function healthMethods(context: ServerContext): UntypedServiceImplementation {
  return {
    Check: unary(context, ({ service }: HealthRequest) => ({ status: healthOf(context, service) })),
    Watch: (call: ServerWritableStream<HealthRequest, object>) => {
      let told: string | undefined;
      const tell = () => {
        const status = healthOf(context, call.request.service);
        if (status !== told) call.write({ status });
        told = status;
      };
      tell();
      const timer = setInterval(tell, WATCH_MS);
      call.once('cancelled', () => clearInterval(timer));
    },
  };
}

function healthOf({ obstacle }: ServerContext, service: string): string {
  if (service !== '' && service !== 'inference.GRPCInferenceService') return 'SERVICE_UNKNOWN';
  return obstacle() === undefined ? 'SERVING' : 'NOT_SERVING';
}
