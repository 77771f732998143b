/** What the server says of itself and of its models. */
import { EXTENSIONS, PLATFORM } from '../../protocol/inference.ts';
import { modelConfig } from '../../server/model-config.ts';
import { modelStatistics } from '../../server/model-statistics.ts';
import type { ServerContext } from '../../server/context.ts';
import { json } from './answer.ts';
import type { Answer } from './answer.ts';
import { openRoute, route } from './routing.ts';
import type { Route } from './routing.ts';

const MODEL = '/v2/models/{model}[/versions/{version}]';

export function modelRoutes(context: ServerContext): readonly Route[] {
  const { engine, identity } = context;
  const names = () => [...new Set(engine.models().map(({ entry }) => entry.name))];
  return [
    // Bodies for both: Triton's clients look at the code alone, KServe's at "live" and "ready".
    // At /, where KServe's protocol v1 asks.
    openRoute('', () => json(200, { status: 'alive' })),
    openRoute('/v2/health/live', () => json(200, { live: true })),
    openRoute('/v2/health/ready', () => readiness(context)),
    route('GET', '/v2', () => json(200, { ...identity, extensions: EXTENSIONS })),
    route('GET', '/v2/models', () => json(200, { models: names() })),
    route('GET', '/v2/models/stats', () => json(200, { model_stats: engine.models().map(modelStatistics) })),
    route('GET', `${MODEL}/ready`, ({ model, version }) => {
      const ready = engine.model(model, version).isReady();
      return json(ready ? 200 : 503, { name: model, ready });
    }),
    route('GET', MODEL, ({ model, version }) => json(200, { ...engine.metadata(model, version), platform: PLATFORM })),
    route('GET', `${MODEL}/config`, ({ model, version }) => json(200, modelConfig(engine.model(model, version)))),
    route('GET', `${MODEL}/stats`, ({ model, version }) =>
      json(200, { model_stats: [modelStatistics(engine.model(model, version))] }),
    ),
    route('GET', '/v1/models', () => json(200, { models: names() })),
    route('GET', '/v1/models/{model}', ({ model }) =>
      json(200, { name: model, ready: engine.model(model, undefined).isReady() }),
    ),
  ];
}

function readiness({ obstacle }: ServerContext): Answer {
  const why = obstacle();
  return why === undefined ? json(200, { ready: true }) : json(503, { ready: false, error: why });
}
