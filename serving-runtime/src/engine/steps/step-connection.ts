/** HTTP to a step: connections that stay open, an end to each request, and a bound on what it may answer. */
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface StepRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** Aborted, the request is broken off. */
  readonly signal: AbortSignal;
}

export interface StepAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface StepConnection {
  /** @throws {Error} that of Node, or the reason of the signal. */
  ask(request: StepRequest): Promise<StepAnswer>;
  close(): void;
}

/** Of one pod with one model server; more requests wait for one of them. */
const MAX_CONNECTIONS = 64;
/** As much as a client may send. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A connection that was open ended before anything came by it: its server had closed it meanwhile, as servers do after a while. */
class StaleConnection extends Error {}

export function openStepConnection(url: URL): StepConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });

  const askOnce = async (request: StepRequest, by: Agent | false): Promise<StepAnswer> => {
    const { method, path, headers, body, signal } = request;
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpRequest(new URL(path, url), { method, agent: by, signal, headers: { ...headers } });
        sent.once('response', resolve);
        sent.once('error', (cause: NodeJS.ErrnoException) => {
          const isStale = sent.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
          reject(isStale ? new StaleConnection(cause.message, { cause }) : cause);
        });
        sent.end(body);
      });
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await bodyOf(answer) };
    } catch (cause) {
      throw signal.aborted ? signal.reason : cause;
    }
  };

  return {
    ask: async (request) => {
      try {
        return await askOnce(request, agent);
      } catch (cause) {
        if (!(cause instanceof StaleConnection)) throw cause;
        // By one that nobody had before.
        return askOnce(request, false);
      }
    },
    close: () => agent.destroy(),
  };
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(`its answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
