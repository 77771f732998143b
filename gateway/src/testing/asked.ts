/** What comes of a request at a pod, as it happens. */
import type {
  AnswerHead,
  Upstream,
  UpstreamCall,
  UpstreamFailure,
  UpstreamRequest,
} from '../proxy/upstream/upstream.ts';
import { aBackend } from './routes.ts';

export interface Asked {
  readonly call: UpstreamCall;
  readonly head: AnswerHead | undefined;
  /** As much of it as has come. */
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>> | undefined;
  /** undefined: it goes on. */
  readonly end: 'ended' | UpstreamFailure | undefined;
  /** How often what was written was all sent. */
  readonly drained: number;
}

export interface Asking extends Partial<UpstreamRequest> {
  readonly port: number;
  /** What is sent at once, and then the end; without it the test sends what it will. */
  readonly bytes?: Uint8Array;
}

export function ask(upstream: Upstream, { port, bytes, ...more }: Asking): Asked {
  const [endpoint] = aBackend('a-1', 100, { at: ['127.0.0.1'] }).pool.endpoints;
  if (endpoint === undefined) throw new Error('a backend has the endpoints that it was given');
  const chunks: Buffer[] = [];
  const asked = {
    head: undefined as Asked['head'],
    trailers: undefined as Asked['trailers'],
    end: undefined as Asked['end'],
    drained: 0,
  };
  const request = {
    endpoint,
    port,
    method: 'POST',
    path: '/a.B/C',
    authority: 'flights',
    fields: [{ name: 'te', value: 'trailers' }],
    body: 'chunks',
    ...more,
  } as const;
  const begun = (what: string) => {
    if (asked.end !== undefined) throw new Error(`${what} after ${asked.end}`);
  };
  const call = upstream.open(request, {
    answered: (head) => {
      begun('a head');
      asked.head = { ...head, fields: head.fields.map(({ name, value }) => ({ name, value })) };
    },
    data: (chunk) => {
      begun('data');
      chunks.push(Buffer.from(chunk));
    },
    ended: (trailers) => {
      begun('an end');
      asked.trailers = Object.fromEntries(trailers.map(({ name, value }) => [name, value]));
      asked.end = 'ended';
    },
    failed: (failure) => {
      begun('a failure');
      asked.end = failure;
    },
    drained: () => {
      begun('a drain');
      asked.drained += 1;
    },
  });
  if (bytes !== undefined) {
    call.write(bytes);
    call.end();
  }
  return Object.defineProperties(asked, {
    call: { value: call },
    body: { get: () => Buffer.concat(chunks) },
  }) as typeof asked & Pick<Asked, 'call' | 'body'>;
}
