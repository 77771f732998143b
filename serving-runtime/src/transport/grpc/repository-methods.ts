/** Model control, in the dialects of Triton and of KServe. */
import type { ServerContext } from '../../server/context.ts';
import { createModelControl } from '../../server/model-control.ts';
import type { Methods } from './proto-service.ts';

interface ControlRequest {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export function repositoryMethods(context: ServerContext): Methods {
  const control = createModelControl(context);
  const unary = {
    RepositoryIndex: ({ ready }: { readonly ready: boolean }) => ({ models: control.index(ready) }),
    RepositoryModelLoad: async (request: ControlRequest) => {
      const model = modelOf(request);
      await control.load(model, request.parameters);
      return { model_name: model, isLoaded: true };
    },
    RepositoryModelUnload: async (request: ControlRequest) => {
      const model = modelOf(request);
      await control.unload(model);
      return { model_name: model, isUnloaded: true };
    },
  };
  return { unary };
}

function modelOf({ model_name: name, repository_name: first }: ControlRequest): string {
  return name === '' ? first : name;
}
