/** What the server says of itself and of its models. */
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { extensions, PLATFORM } from '../../protocol/inference.ts';
import type { ServerContext } from '../../server/context.ts';
import { modelConfig } from '../../server/model-config.ts';
import { modelStatistics } from '../../server/model-statistics.ts';
import { given, unary } from './call.ts';

interface ModelReference {
  readonly name: string;
  readonly version: string;
}

export function modelMethods(context: ServerContext): UntypedServiceImplementation {
  const { engine, obstacle, identity } = context;
  const model = ({ name, version }: ModelReference) => engine.model(name, given(version));
  return {
    ServerLive: unary(context, () => ({ live: true })),
    ServerReady: unary(context, () => ({ ready: obstacle() === undefined })),
    ServerMetadata: unary(context, () => ({ ...identity, extensions: extensions(false) })),
    ModelReady: unary(context, (reference: ModelReference) => ({ ready: model(reference).isReady() })),
    ModelMetadata: unary(context, ({ name, version }: ModelReference) => ({
      ...engine.metadata(name, given(version)),
      platform: PLATFORM,
    })),
    ModelConfig: unary(context, (reference: ModelReference) => ({ config: modelConfig(model(reference)) })),
    ModelStatistics: unary(context, (reference: ModelReference) => {
      const models = reference.name === '' ? engine.models() : [model(reference)];
      return { model_stats: models.map(modelStatistics) };
    }),
  };
}
