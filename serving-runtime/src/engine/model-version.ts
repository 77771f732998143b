/** One version of a model from its first load to its end; in between it may be given up for others and loaded again when it is asked. */
import { ModelFailure } from '../protocol/errors.ts';
import type { Tensor } from '../protocol/datatypes.ts';
import { ModelLoadError } from './model-instance.ts';
import type { Signature } from './model-instance.ts';
import type { RepositoryEntry } from './repository.ts';
import type { Inference } from './job.ts';
import { loadModel } from './served-model.ts';
import type { LoadDeps, ModelEvents, ServedModel } from './served-model.ts';
import { modelSettings } from './settings.ts';
import type { GivenSettings, ModelSettings } from './settings.ts';
import { createStatistics } from './statistics.ts';
import type { ModelStatistics } from './statistics.ts';

export interface VersionEvents extends ModelEvents {
  loaded(entry: RepositoryEntry, facts: { readonly seconds: number; readonly batchRows: number }): void;
  loadFailed(entry: RepositoryEntry, reason: string, detail: string): void;
  /** Given up, so that others have room. */
  evicted(entry: RepositoryEntry): void;
}

export interface ModelVersion {
  readonly entry: RepositoryEntry;
  /** Empty until it was loaded once. */
  readonly signature: Signature;
  /** @throws {Error} while the file of settings is wrong. */
  readonly settings: ModelSettings;
  readonly statistics: ModelStatistics;
  /** What it takes while it is loaded: an estimate from the size of its files. */
  readonly bytes: number;
  readonly lastUsed: number;
  /** Requests that wait or run. */
  readonly pending: number;
  /** Of them, those that no instance has taken. */
  readonly waiting: number;
  /** Rows that share a run at most; 0 while it is not loaded. */
  readonly batchRows: number;
  isLoaded(): boolean;
  /** Whether a request would be answered; also when it has to be loaded for it. */
  isReady(): boolean;
  /** Why not, to go behind "the model"; undefined where it would. */
  obstacle(): string | undefined;
  /** @throws {Error} whose message a client may read. */
  load(): Promise<void>;
  /** @throws {RequestError} */
  infer(inference: Inference): Promise<readonly Tensor[]>;
  /** Frees its memory until it is asked again. */
  evict(): Promise<void>;
  /** Resolves when its last request has its answer. */
  close(): Promise<void>;
}

export interface VersionDeps {
  readonly events: VersionEvents;
  /** Called before it is loaded: gives up others until `bytes` more fit. */
  readonly makeRoom: (bytes: number) => Promise<void>;
  readonly started: LoadDeps['started'];
}

/** A session and its thread, beside the model itself. */
const BYTES_PER_INSTANCE = 24 * 1024 * 1024;
const UNKNOWN: Signature = { inputs: [], outputs: [] };

export function createModelVersion(
  entry: RepositoryEntry,
  given: GivenSettings,
  { events, makeRoom, started }: VersionDeps,
): ModelVersion {
  const statistics = createStatistics();
  let signature = UNKNOWN;
  let model: ServedModel | undefined;
  let loading: Promise<ServedModel> | undefined;
  let lastUsed = performance.now();
  let loadedWith: ModelSettings | undefined;
  /** Those that it was loaded with last: the file may have changed since, and is read when it is loaded again. */
  const settings = () => loadedWith ?? modelSettings(entry.folder, given);
  const bytes = () => settings().instances * (entry.bytes + BYTES_PER_INSTANCE);

  const loadNow = async (): Promise<ServedModel> => {
    const begun = performance.now();
    try {
      loadedWith = modelSettings(entry.folder, given);
      await makeRoom(bytes());
      const loaded = await loadModel(entry, loadedWith, { events, statistics, started });
      statistics.loadSeconds = (performance.now() - begun) / 1000;
      events.loaded(entry, { seconds: statistics.loadSeconds, batchRows: loaded.batchRows });
      return loaded;
    } catch (cause) {
      const isKnown = cause instanceof ModelLoadError;
      events.loadFailed(entry, (cause as Error).message, isKnown ? cause.detail : String(cause));
      throw cause;
    }
  };

  /** Requests that come while it is being loaded wait for the same load. */
  const loadedModel = async (): Promise<ServedModel> => {
    if (model !== undefined) return model;
    loading ??= loadNow().finally(() => (loading = undefined));
    model = await loading;
    ({ signature } = model);
    return model;
  };

  const inferAgain = async (inference: Inference): Promise<readonly Tensor[]> => {
    const again = await loadedModel().catch(() => {
      throw new ModelFailure('Unavailable', 'the model could not be loaded again; the log of the server says why');
    });
    return again.infer(inference);
  };

  const giveUp = async (): Promise<void> => {
    const going = model ?? (await loading?.catch(() => undefined));
    model = undefined;
    await going?.close();
  };

  const isReady = () => model?.isReady() ?? true;

  return {
    entry,
    get signature() {
      return signature;
    },
    get settings() {
      return settings();
    },
    statistics,
    get bytes() {
      return bytes();
    },
    get lastUsed() {
      return lastUsed;
    },
    get pending() {
      return model?.pending ?? 0;
    },
    get waiting() {
      return model?.waiting ?? 0;
    },
    get batchRows() {
      return model?.batchRows ?? 0;
    },
    isLoaded: () => model !== undefined,
    isReady,
    obstacle: () => (isReady() ? undefined : 'lost its instances and is being started again'),
    load: async () => {
      await loadedModel();
    },
    infer: (inference) => {
      lastUsed = performance.now();
      return model?.infer(inference) ?? inferAgain(inference);
    },
    evict: async () => {
      await giveUp();
      events.evicted(entry);
    },
    close: giveUp,
  };
}
