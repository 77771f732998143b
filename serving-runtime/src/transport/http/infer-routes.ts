/** Inferences over HTTP: Open Inference Protocol v2 with its binary extensions, and KServe's protocol v1. */
import { invalid, RequestError } from '../../protocol/errors.ts';
import { parseRawRequest } from '../../protocol/raw-request.ts';
import type { ServerContext } from '../../server/context.ts';
import { infer } from '../../server/infer.ts';
import type { JsonCodec } from '../json/json-codec.ts';
import type { Answer } from './answer.ts';
import { BINARY_LIMIT, JSON_LIMIT } from './body-limits.ts';
import { readBody } from './read-body.ts';
import { route } from './routing.ts';
import type { Call, Route } from './routing.ts';

const JSON_LENGTH = 'inference-header-content-length';

export function inferRoutes(context: ServerContext, codec: JsonCodec): readonly Route[] {
  return [
    route('POST', '/v2/models/{model}[/versions/{version}]/infer', (call) => inferV2(context, codec, call)),
    route('POST', '/v1/models/{model}:predict', (call) => predictV1(context, codec, call)),
  ];
}

async function inferV2(
  context: ServerContext,
  codec: JsonCodec,
  { request, signal, model, version }: Call,
): Promise<Answer> {
  const jsonLength = lengthOf(request.headers[JSON_LENGTH]);
  if ((jsonLength ?? 0) > JSON_LIMIT)
    throw new RequestError('TooLarge', `the JSON part may have at most ${JSON_LIMIT} bytes`);
  const body = await readBody(request, jsonLength === undefined ? JSON_LIMIT : BINARY_LIMIT);
  const parsed =
    jsonLength === 0
      ? parseRawRequest(body, context.engine.model(model, version).signature)
      : await codec.parseInfer(body, jsonLength, signal);
  const patience = { signal, timeoutMs: parsed.timeoutMs };
  const response = await infer(context, { name: model, version }, parsed, patience);
  const built = await codec.buildInfer(response, parsed.binaryOutputs);
  if (built.jsonLength === undefined) return { status: 200, body: built.body };
  const headers = { [JSON_LENGTH]: String(built.jsonLength), 'content-type': 'application/octet-stream' };
  return { status: 200, body: built.body, headers };
}

/** Only digits: an empty value would read as 0, which means something else. */
function lengthOf(header: unknown): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[0-9]{1,15}$/.test(header)) return Number(header);
  throw invalid('Inference-Header-Content-Length must be the number of bytes of JSON at the start of the body');
}

async function predictV1(context: ServerContext, codec: JsonCodec, { request, signal, model }: Call): Promise<Answer> {
  const body = await readBody(request, JSON_LIMIT);
  const { inputs } = context.engine.model(model, undefined).signature;
  const parsed = await codec.parsePredict(body, inputs, signal);
  const response = await infer(context, { name: model, version: undefined }, parsed, { signal });
  return { status: 200, body: await codec.buildPredict(response) };
}
