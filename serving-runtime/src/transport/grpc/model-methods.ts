/** What the server says of itself and of its models. */
import { EXTENSIONS, PLATFORM } from '../../protocol/inference.ts';
import type { ServerContext } from '../../server/context.ts';
import { modelConfig } from '../../server/model-config.ts';
import { modelStatistics } from '../../server/model-statistics.ts';
import { given } from './given.ts';
import type { Methods } from './proto-service.ts';

interface ModelReference {
  readonly name: string;
  readonly version: string;
}

export function modelMethods(context: ServerContext): Methods {
  const { engine, obstacle, identity } = context;
  const model = ({ name, version }: ModelReference) => engine.model(name, given(version));
  const unary = {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: obstacle() === undefined }),
    ServerMetadata: () => ({ ...identity, extensions: EXTENSIONS }),
    ModelReady: (reference: ModelReference) => ({ ready: model(reference).isReady() }),
    ModelMetadata: ({ name, version }: ModelReference) => ({
      ...engine.metadata(name, given(version)),
      platform: PLATFORM,
    }),
    ModelConfig: (reference: ModelReference) => ({ config: modelConfig(model(reference)) }),
    ModelStatistics: (reference: ModelReference) => {
      const models = reference.name === '' ? engine.models() : [model(reference)];
      return { model_stats: models.map(modelStatistics) };
    },
  };
  return { unary };
}
