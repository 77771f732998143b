/** Model control, in the dialects of Triton and of KServe. */
import { invalid } from '../../protocol/errors.ts';
import type { ServerContext } from '../../server/context.ts';
import type { Methods } from './proto-service.ts';

interface ControlRequest {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export function repositoryMethods(context: ServerContext): Methods {
  const { engine, audit } = context;
  const unary = {
    RepositoryIndex: ({ ready }: { readonly ready: boolean }) => ({
      models: engine.index().filter(({ state }) => !ready || state === 'READY'),
    }),
    RepositoryModelLoad: async (request: ControlRequest) => {
      const model = modelOf(request);
      if (Object.keys(request.parameters).length > 0) {
        throw invalid('settings and files cannot be sent; put them into the folder of the model, then load it');
      }
      await engine.load(model);
      audit('load', model);
      return { model_name: model, isLoaded: true };
    },
    RepositoryModelUnload: async (request: ControlRequest) => {
      const model = modelOf(request);
      await engine.unload(model);
      audit('unload', model);
      return { model_name: model, isUnloaded: true };
    },
  };
  return { unary };
}

function modelOf({ model_name: name, repository_name: first }: ControlRequest): string {
  return name === '' ? first : name;
}
