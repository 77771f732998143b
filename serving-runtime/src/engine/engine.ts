import { RequestError, quoted } from '../protocol/errors.ts';
import type { ModelMetadata } from '../protocol/inference.ts';
import { ModelLoadError } from './model-instance.ts';
import { scanRepository } from './repository.ts';
import type { RepositoryEntry } from './repository.ts';
import { loadModel } from './served-model.ts';
import type { ModelEvents, ModelSettings, ServedModel } from './served-model.ts';

export interface EngineEvents extends ModelEvents {
  loaded(entry: RepositoryEntry, milliseconds: number): void;
  loadFailed(entry: RepositoryEntry | undefined, reason: string, detail: string): void;
}

export interface Engine {
  /** Loads every model of the repository; never rejects, since a server that cannot load has to live to say so. */
  load(): Promise<void>;
  /** Why the server is not ready; undefined when every model is loaded and warm. */
  obstacle(): string | undefined;
  /** @throws {RequestError} NotFound, or Unavailable while it loads. */
  model(name: string, version: string | undefined): ServedModel;
  metadata(name: string, version: string | undefined): ModelMetadata;
  models(): readonly ServedModel[];
  close(): Promise<void>;
}

export function createEngine(root: string, settings: ModelSettings, events: EngineEvents): Engine {
  const served = new Map<string, ServedModel[]>();
  const failures: string[] = [];
  let loading = true;

  const loadEntry = async (entry: RepositoryEntry): Promise<void> => {
    const started = performance.now();
    try {
      const model = await loadModel(entry, settings, events);
      served.set(entry.name, [...(served.get(entry.name) ?? []), model]);
      events.loaded(entry, performance.now() - started);
    } catch (cause) {
      const reason = cause instanceof ModelLoadError ? cause.message : 'its worker could not be started';
      failures.push(`model ${entry.name}, version ${entry.version}: ${reason}`);
      events.loadFailed(entry, reason, cause instanceof ModelLoadError ? cause.detail : String(cause));
    }
  };

  const find = (name: string, version: string | undefined): ServedModel => {
    const versions = served.get(name) ?? [];
    const model = version === undefined ? versions.at(-1) : versions.find(({ entry }) => entry.version === version);
    if (model !== undefined) return model;
    if (loading) throw new RequestError('Unavailable', 'models are still being loaded');
    throw new RequestError(
      'NotFound',
      `there is no model ${quoted(name)}${version === undefined ? '' : `, version ${quoted(version)}`}`,
    );
  };

  return {
    load: async () => {
      try {
        // One after another: several versions of a model are told apart by their order.
        for (const entry of scanRepository(root)) await loadEntry(entry);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        failures.push(reason);
        events.loadFailed(undefined, reason, reason);
      }
      loading = false;
    },
    obstacle: () => {
      if (loading) return 'models are still being loaded';
      const dead = [...served.values()].flat().find((model) => !model.isReady());
      return (
        failures[0] ??
        (dead === undefined ? undefined : `model ${dead.entry.name} lost its workers and is being started again`)
      );
    },
    model: find,
    metadata: (name, version) => {
      const { entry, signature } = find(name, version);
      const versions =
        version === undefined ? (served.get(name) ?? []).map((model) => model.entry.version) : [entry.version];
      return { name, versions, ...signature };
    },
    models: () => [...served.values()].flat(),
    close: async () => {
      await Promise.all([...served.values()].flat().map((model) => model.close()));
    },
  };
}
