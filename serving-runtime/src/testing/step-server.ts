/** A step as others would write one: a small server of the Open Inference Protocol, which a test tells what to answer. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface StepTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

export interface StepRequestBody {
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly inputs: readonly StepTensor[];
}

export interface FailingAnswer {
  readonly status: number;
  readonly body: string;
}

/** What a test may change while it runs. */
export interface StepBehaviour {
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
  /** Of `GET /v2/health/ready`. */
  readonly health?: number;
  infer(request: StepRequestBody): StepResult | Promise<StepResult>;
}

/** `BreaksOff`: it ends the connection instead. */
type StepResult = readonly StepTensor[] | FailingAnswer | 'BreaksOff';

export interface StepServer {
  readonly url: string;
  readonly requests: readonly StepRequestBody[];
  /** Connections that inferences came by. */
  readonly connections: number;
  /** Resolves when a request was broken off by us. */
  readonly brokenOff: Promise<void>;
  behave(more: Partial<StepBehaviour>): void;
  stop(): Promise<void>;
}

export async function startStep(given: StepBehaviour, port = 0): Promise<StepServer> {
  let behaviour = given;
  const requests: StepRequestBody[] = [];
  const sockets = new Set<unknown>();
  const brokenOff = Promise.withResolvers<void>();

  const infer = async (request: IncomingMessage, response: ServerResponse) => {
    sockets.add(request.socket);
    response.once('close', () => {
      if (!response.writableEnded) brokenOff.resolve();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as StepRequestBody;
    requests.push(body);
    const result = await behaviour.infer(body);
    if (result === 'BreaksOff') request.socket.destroy();
    else if ('status' in result) response.writeHead(result.status).end(result.body);
    else answer(response, 200, { model_name: 'x', id: body.id, outputs: result });
  };

  const server = createServer((request, response) => {
    const { method, url } = request;
    const { inputs, outputs, health = 200 } = behaviour;
    if (url === '/v2/health/ready') answer(response, health, {});
    else if (method === 'GET' && url?.startsWith('/v2/models/') === true) answer(response, 200, { inputs, outputs });
    else if (method === 'POST' && url?.endsWith('/infer') === true) void infer(request, response);
    else answer(response, 404, { error: 'not here' });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return sockets.size;
    },
    brokenOff: brokenOff.promise,
    behave: (more) => {
      behaviour = { ...behaviour, ...more };
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
