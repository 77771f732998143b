/** Inferences over HTTP: Open Inference Protocol v2 with its binary extensions, and KServe's protocol v1. */
import { RequestError } from '../../protocol/errors.ts';
import { parsePredictRequest, buildPredictResponse } from '../../protocol/predict-v1.ts';
import { parseRawRequest } from '../../protocol/raw-request.ts';
import { parseRestRequest } from '../../protocol/rest-request.ts';
import type { RestRequest } from '../../protocol/rest-request.ts';
import { buildRestResponse } from '../../protocol/rest-response.ts';
import type { ServerContext } from '../../server/context.ts';
import { infer } from '../../server/infer.ts';
import type { Answer } from './answer.ts';
import { json } from './answer.ts';
import { BINARY_LIMIT, JSON_LIMIT } from './body-limits.ts';
import { readBody } from './read-body.ts';
import { route } from './routing.ts';
import type { Call, Route } from './routing.ts';

const JSON_LENGTH = 'inference-header-content-length';

export function inferRoutes(context: ServerContext): readonly Route[] {
  return [
    route('POST', '/v2/models/{model}[/versions/{version}]/infer', (call) => inferV2(context, call)),
    route('POST', '/v1/models/{model}:predict', (call) => predictV1(context, call)),
  ];
}

async function inferV2(context: ServerContext, { request, signal, model, version }: Call): Promise<Answer> {
  const header = request.headers[JSON_LENGTH];
  const jsonLength = header === undefined ? undefined : Number(header);
  if ((jsonLength ?? 0) > JSON_LIMIT)
    throw new RequestError('TooLarge', `the JSON part may have at most ${JSON_LIMIT} bytes`);
  const body = await readBody(request, jsonLength === undefined ? JSON_LIMIT : BINARY_LIMIT);
  const parsed: RestRequest =
    jsonLength === 0
      ? parseRawRequest(body, context.engine.model(model, version).signature)
      : parseRestRequest(body, jsonLength);
  const patience = { signal, timeoutMs: parsed.timeoutMs };
  const response = await infer(context, { name: model, version }, parsed, patience);
  const built = buildRestResponse(response, parsed.isBinary);
  if (built.jsonLength === undefined) return { status: 200, body: built.body };
  const headers = { [JSON_LENGTH]: String(built.jsonLength), 'content-type': 'application/octet-stream' };
  return { status: 200, body: built.body, headers };
}

async function predictV1(context: ServerContext, { request, signal, model }: Call): Promise<Answer> {
  const body = await readBody(request, JSON_LIMIT);
  const { signature } = context.engine.model(model, undefined);
  const response = await infer(context, { name: model, version: undefined }, parsePredictRequest(body, signature), {
    signal,
  });
  return json(200, buildPredictResponse(response));
}
