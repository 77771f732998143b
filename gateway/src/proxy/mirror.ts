/** Copies of requests for a revision that nobody waits for: whatever it does with them, those who asked do not notice. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { portOf } from '../routing/route.ts';
import type { Backend } from '../routing/route.ts';
import type { Sampler } from '../sampling/sampler.ts';
import type { CallDeps, MirroredRequest } from './deps.ts';
import { report } from './report.ts';
import { upstreamRequest } from './upstream-request.ts';
import type { UpstreamCall, UpstreamFailure } from './upstream/upstream.ts';

/** Copies that are on their way at a time; more are dropped. */
const MAX_AT_A_TIME = 128;
const MARK = { name: 'x-slipway-mirrored', value: '1' };

export function createMirrors(
  deps: Pick<CallDeps, 'upstreams' | 'metrics' | 'now' | 'random' | 'waitingRoom'> & {
    readonly sampler: Sampler | undefined;
  },
): (request: MirroredRequest) => void {
  const { upstreams, metrics, now, random } = deps;
  let running = 0;

  function send({ route, request, chunks }: MirroredRequest, backend: Backend): void {
    const endpoint = backend.pool.pick(now(), random);
    const port = portOf(backend, request.isGrpc);
    if (endpoint === undefined || port === undefined) {
      running -= 1;
      metrics.of(route, backend).mirrorDropped();
      return;
    }
    let upstream: UpstreamCall | undefined;
    const recorder = deps.sampler?.recordMirrored({ route, request });
    const ended = (failure?: UpstreamFailure | 'timeout', trailers: readonly HeaderField[] = []) => {
      recorder?.ended(failure === undefined ? 'Answered' : 'BrokenOff', trailers, backend.revision);
      clearTimeout(timer);
      endpoint.inFlight -= 1;
      running -= 1;
      deps.waitingRoom.roomLeft(route);
      const outcome = failure === undefined ? 'answered' : failure === 'unconnected' ? 'unreached' : 'failed';
      report(deps, { route, backend, endpoint }, outcome);
    };
    const timer = setTimeout(() => {
      upstream?.cancel();
      ended('timeout');
    }, route.timeoutMs);
    endpoint.inFlight += 1;
    metrics.of(route, backend).mirrored();
    // A copy takes none of the time that its client gave.
    const copy = upstreamRequest(request, { endpoint, port, timeLeftMs: undefined });
    upstream = (request.isGrpc ? upstreams.grpc : upstreams.http).open(
      { ...copy, fields: [...copy.fields, MARK] },
      {
        answered: ({ status, fields }) => recorder?.answered([{ name: ':status', value: String(status) }, ...fields]),
        data: (chunk) => recorder?.answerData(chunk),
        drained: () => {},
        ended: (trailers) => ended(undefined, trailers),
        failed: ended,
      },
    );
    for (const chunk of chunks) {
      recorder?.requestData(chunk);
      upstream.write(chunk);
    }
    upstream.end();
  }

  return (mirrored) => {
    const { route, request } = mirrored;
    if (request.isStream) return;
    for (const { backend, percent } of route.mirrors) {
      if (random() * 100 >= percent) continue;
      if (running >= MAX_AT_A_TIME) {
        metrics.of(route, backend).mirrorDropped();
        continue;
      }
      running += 1;
      // After what the same turn of the event loop has for those who wait.
      setImmediate(send, mirrored, backend);
    }
  };
}
