/** gRPC that is told of: everything that is said over an exchange is looked at on its way. */
import type { RequestObserver } from '../../server/request-watcher.ts';
import { requestIdOf } from '../../server/context.ts';
import { currentRequest } from '../../server/request-record.ts';
import type { RequestFacts, RequestRecord } from '../../server/request-record.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import type { Exchange, RequestListener } from '../http2/exchange.ts';
import type { HeaderField } from '../http2/header-field.ts';
import type { Rpcs } from './rpc.ts';

/** @param rpcs that are served: others have no route. */
export function recordedListener(listener: RequestListener, rpcs: Rpcs, observer: RequestObserver): RequestListener {
  return (exchange) => {
    const record = observer.begin(factsOf(exchange, rpcs));
    if (rpcs.has(record.path)) record.route = record.path;
    let isOver = false;
    const finish = (status: number) => {
      if (!isOver) observer.end(record, status);
      isOver = true;
    };
    const events = currentRequest.run(record, listener, watched(exchange, record, finish));
    return {
      data: (chunk) => {
        record.bytesIn += chunk.length;
        currentRequest.run(record, () => events.data(chunk));
      },
      end: () => currentRequest.run(record, () => events.end()),
      drained: () => events.drained(),
      aborted: () => {
        finish(ERROR_CODES.Cancelled.grpc);
        events.aborted();
      },
    };
  };
}

function factsOf({ request, peer }: Exchange, rpcs: Rpcs): RequestFacts {
  const [path = ''] = request.path.split('?');
  return {
    protocol: 'grpc',
    method: request.method,
    path,
    isStream: rpcs.get(path)?.kind === 'streaming',
    peer,
    header: (name) => valueOf(request.fields, name),
    requestId: requestIdOf(valueOf(request.fields, 'x-request-id')),
  };
}

function watched(exchange: Exchange, record: RequestRecord, finish: (status: number) => void): Exchange {
  return {
    request: exchange.request,
    peer: exchange.peer,
    consumed: (bytes) => exchange.consumed(bytes),
    respond: (fields, isLast = false) => {
      record.requestId = valueOf(fields, 'x-request-id');
      exchange.respond(fields, isLast);
      if (isLast) finish(statusOf(fields));
    },
    write: (data) => {
      record.bytesOut += data.length;
      return exchange.write(data);
    },
    end: (trailers = []) => {
      exchange.end(trailers);
      finish(statusOf(trailers));
    },
    reset: (code) => {
      exchange.reset(code);
      finish(ERROR_CODES.Internal.grpc);
    },
  };
}

/** What is no call of gRPC, and was told so, is none that the server has. */
function statusOf(fields: readonly HeaderField[]): number {
  return Number(valueOf(fields, 'grpc-status') ?? ERROR_CODES.Unimplemented.grpc);
}

function valueOf(fields: readonly HeaderField[], wanted: string): string | undefined {
  return fields.find(({ name }) => name === wanted)?.value;
}
