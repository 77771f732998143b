/** Reads what one gateway tells, for as long as it is there. */
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { GATEWAY_SILENCE_MS, GatewayLine } from '@slipway/crds/gateway-stream';

/** A `load` of 10,000 routes that are all busy has about 3 MB. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

export interface StreamAddress {
  readonly address: string;
  readonly port: number;
  /** Undefined: no token is sent. */
  readonly tokenFile?: string | undefined;
}

/** Of what a gateway says when it refuses. */
const MAX_REFUSAL_CHARACTERS = 500;

/**
 * Hands on every line that the gateway says.
 *
 * @throws {Error} why it ended: the gateway went, fell silent, said what cannot be read, or the signal aborted. It never ends
 *   in any other way.
 */
export async function readGatewayStream(
  at: StreamAddress,
  take: (line: GatewayLine) => void,
  signal: AbortSignal,
): Promise<never> {
  const response = await open(at, signal);
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('it sends a line without an end');
    for (const line of lines) take(parseLine(line));
  }
  throw new Error('it ended the stream');
}

async function open({ address, port, tokenFile }: StreamAddress, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = tokenFile === undefined ? {} : { authorization: `Bearer ${await readToken(tokenFile)}` };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // A connection of its own, which nobody else waits for.
  const request = get({ host: address, port, path: '/stream', headers, agent: false, signal }, (response) => {
    if (response.statusCode === 200) resolve(response);
    else refusalOf(response).then(reject, reject);
  });
  request.setTimeout(GATEWAY_SILENCE_MS, () => request.destroy(new Error('it says nothing')));
  request.on('error', reject);
  return promise;
}

/** Kubernetes exchanges the file long before the token in it expires. */
async function readToken(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`the token for it cannot be read: ${cause.message}`);
  });
  return text.trim();
}

async function refusalOf(response: IncomingMessage): Promise<Error> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length >= MAX_REFUSAL_CHARACTERS) break;
  }
  return new Error(`it answers with status ${response.statusCode}: ${text.slice(0, MAX_REFUSAL_CHARACTERS)}`);
}

function parseLine(text: string): GatewayLine {
  const parsed = GatewayLine.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`it says what this operator does not understand: ${text.slice(0, 200)}`);
  return parsed.data;
}
