/** Models that come and go at run time, whatever protocol it is asked by. */
import type { IndexEntry } from '../engine/engine.ts';
import { invalid } from '../protocol/errors.ts';
import type { ServerContext } from './context.ts';

export interface ModelControl {
  index(onlyReady: boolean): readonly IndexEntry[];
  /** @param parameters what Triton's clients may send along; none of it is taken. @throws {RequestError} */
  load(model: string, parameters: Readonly<Record<string, unknown>>): Promise<void>;
  /** @throws {RequestError} */
  unload(model: string): Promise<void>;
}

export function createModelControl({ engine, audit }: Pick<ServerContext, 'engine' | 'audit'>): ModelControl {
  return {
    index: (onlyReady) => engine.index().filter(({ state }) => !onlyReady || state === 'READY'),
    load: async (model, parameters) => {
      if (Object.keys(parameters).length > 0) {
        throw invalid('settings and files cannot be sent; put them into the folder of the model, then load it');
      }
      await engine.load(model);
      audit('load', model);
    },
    unload: async (model) => {
      await engine.unload(model);
      audit('unload', model);
    },
  };
}
