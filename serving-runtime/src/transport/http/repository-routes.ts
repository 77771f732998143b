/** Model control, as Triton has it (docs/protocol/extension_model_repository.md); on a port of its own, which is closed unless asked for. */
import { objectOf, parseJson } from '../../protocol/json-body.ts';
import type { JsonObject } from '../../protocol/json-body.ts';
import type { ServerContext } from '../../server/context.ts';
import { createModelControl } from '../../server/model-control.ts';
import { json } from './answer.ts';
import { readBody } from './read-body.ts';
import { route } from './routing.ts';
import type { Route } from './routing.ts';

const BODY_LIMIT = 64 * 1024;

export function repositoryRoutes(context: ServerContext): readonly Route[] {
  const control = createModelControl(context);
  return [
    route('POST', '/v2/repository/index', async ({ request }) => {
      const { ready } = readOptions(await readBody(request, BODY_LIMIT));
      return json(200, control.index(ready === true));
    }),
    route('POST', '/v2/repository/models/{model}/load', async ({ request, model }) => {
      const { parameters = {} } = readOptions(await readBody(request, BODY_LIMIT));
      await control.load(model, objectOf(parameters, '"parameters"'));
      return json(200, {});
    }),
    route('POST', '/v2/repository/models/{model}/unload', async ({ model }) => {
      await control.unload(model);
      return json(200, {});
    }),
  ];
}

function readOptions(body: Uint8Array): JsonObject {
  return body.length === 0 ? {} : parseJson(body);
}
