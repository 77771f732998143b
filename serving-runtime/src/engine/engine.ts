/** The models of a repository: loaded, asked, exchanged and given up while others are being asked. */
import { quoted, RequestError } from '../protocol/errors.ts';
import type { ModelMetadata } from '../protocol/inference.ts';
import { leastRecentlyUsed } from './memory-budget.ts';
import type { ModelInstance } from './model-instance.ts';
import { createModelVersion } from './model-version.ts';
import type { ModelVersion, VersionEvents } from './model-version.ts';
import { modelNames, scanModel } from './repository.ts';
import type { GivenSettings } from './settings.ts';
import { withSteps } from './steps/with-steps.ts';
import type { StepsEvents } from './steps/with-steps.ts';

export interface EngineEvents extends VersionEvents, StepsEvents {
  /** At start: a model is being loaded. */
  loading(step: LoadingStep): void;
  /** A model, or the whole repository, cannot be served for what lies in its folder. */
  unusable(model: string | undefined, reason: string): void;
}

export interface LoadingStep {
  readonly model: string;
  /** From 1 to `total`, the number of models. */
  readonly position: number;
  readonly total: number;
  /** Of all its files; undefined where they are out of place. */
  readonly bytes: number | undefined;
}

export interface EngineOptions {
  readonly root: string;
  /** For all models; a model's own file wins. */
  readonly settings: GivenSettings;
  /** Bytes that all loaded models may take together; undefined for no bound. */
  readonly memoryBudget: number | undefined;
}

export interface IndexEntry {
  readonly name: string;
  /** Empty where it is not known. */
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  /** Empty where it is ready. */
  readonly reason: string;
}

export interface Engine {
  /** Loads every model of the repository; never rejects, since a server that cannot load has to live to say so. */
  start(): Promise<void>;
  /** Why the server is not ready; undefined when every model is loaded and warm. */
  obstacle(): string | undefined;
  /** The newest version, or the one that is named. @throws {RequestError} NotFound, or Unavailable while it loads or where it cannot be loaded. */
  model(name: string, version: string | undefined): ModelVersion;
  metadata(name: string, version: string | undefined): ModelMetadata;
  models(): readonly ModelVersion[];
  /** What the repository holds, whether it is served or not. */
  index(): readonly IndexEntry[];
  /** Reads a model's folder and serves what is there now; what was served before answers until then. @throws {RequestError} */
  load(name: string): Promise<void>;
  /** Resolves when its last request has its answer. @throws {RequestError} NotFound */
  unload(name: string): Promise<void>;
  /** Resolves when the last request has its answer, and all instances are gone. */
  close(): Promise<void>;
}

export function createEngine({ root, settings, memoryBudget }: EngineOptions, events: EngineEvents): Engine {
  /** By name; versions in ascending order. */
  const served = new Map<string, readonly ModelVersion[]>();
  /** By name: why a model is not served. */
  const failures = new Map<string, string>();
  let repositoryFailure: string | undefined;
  let isStarting = true;
  let step: LoadingStep | undefined;
  const all = () => [...served.values()].flat();

  const instances = new Set<ModelInstance>();
  const started = (instance: ModelInstance) => {
    instances.add(instance);
    void instance.gone.then(() => instances.delete(instance));
  };

  const makeRoom = async (bytes: number): Promise<void> => {
    if (memoryBudget === undefined) return;
    const loaded = all().filter((version) => version.isLoaded());
    await Promise.all(leastRecentlyUsed(loaded, memoryBudget - bytes).map((version) => version.evict()));
  };

  /** Loaded and warm. @throws {Error} whose message a client may read; then none of them is left. */
  const openModel = async (name: string): Promise<ModelVersion[]> => {
    const versions = scanModel(root, name).map((entry) =>
      createModelVersion(entry, settings, { events, makeRoom, started }),
    );
    const opened: ModelVersion[] = [];
    try {
      // One after another: all at once, they would be measured while they slow each other down.
      for (const version of versions) {
        await load(version);
        opened.push(await withSteps(version, events));
      }
      return opened;
    } catch (cause) {
      await Promise.all([...opened, ...versions].map((version) => version.close()));
      throw cause;
    }
  };

  const open = async (name: string): Promise<string | undefined> => {
    try {
      const before = served.get(name) ?? [];
      served.set(name, await openModel(name));
      failures.delete(name);
      await Promise.all(before.map((version) => version.close()));
      return undefined;
    } catch (cause) {
      return (cause as Error).message;
    }
  };

  const fail = (name: string, reason: string) => {
    failures.set(name, reason);
    events.unusable(name, reason);
  };

  const find = (name: string, wanted: string | undefined): ModelVersion => {
    const versions = served.get(name) ?? [];
    const found = wanted === undefined ? versions.at(-1) : versions.find(({ entry }) => entry.version === wanted);
    if (found !== undefined) return found;
    if (isStarting) throw new RequestError('Unavailable', LOADING);
    const failure = versions.length === 0 ? failures.get(name) : undefined;
    if (failure !== undefined) throw new RequestError('Unavailable', `model ${quoted(name)} is not served: ${failure}`);
    throw unknown(name, wanted);
  };

  const serially = createSerial();

  return {
    start: () =>
      serially(async () => {
        try {
          const names = modelNames(root);
          for (const [index, name] of names.entries()) {
            step = { model: name, position: index + 1, total: names.length, bytes: bytesOf(root, name) };
            events.loading(step);
            const reason = await open(name);
            if (reason !== undefined) fail(name, reason);
          }
        } catch (cause) {
          repositoryFailure = (cause as Error).message;
          events.unusable(undefined, repositoryFailure);
        }
        isStarting = false;
      }),
    obstacle: () => {
      if (isStarting)
        return step === undefined ? LOADING : `${LOADING}: ${step.model}, ${step.position} of ${step.total}`;
      const [failed] = failures;
      const dead = all().find((version) => !version.isReady());
      return (
        repositoryFailure ??
        (failed && `model ${failed[0]}: ${failed[1]}`) ??
        (dead && `model ${dead.entry.name} ${dead.obstacle()}`)
      );
    },
    model: find,
    metadata: (name, wanted) => {
      const { entry, signature } = find(name, wanted);
      const versions =
        wanted === undefined ? (served.get(name) ?? []).map((each) => each.entry.version) : [entry.version];
      return { name, versions, ...signature };
    },
    models: all,
    index: () => [...all().map(indexEntry), ...notServed(root, served, failures)],
    load: (name) =>
      serially(async () => {
        const reason = await open(name);
        if (reason === undefined) return;
        // The answer tells it; the server stays as ready as it was.
        if (failures.has(name)) fail(name, reason);
        throw new RequestError('InvalidArgument', `model ${quoted(name)} was not loaded: ${reason}`);
      }),
    unload: (name) =>
      serially(async () => {
        const versions = served.get(name);
        // One that failed may be given up too: then the server need not wait for it to be ready.
        if (!failures.delete(name) && versions === undefined) throw unknown(name, undefined);
        served.delete(name);
        await Promise.all((versions ?? []).map((version) => version.close()));
      }),
    close: async () => {
      await Promise.all(all().map((version) => version.close()));
      // Runs that nobody waits for any more: a process that exits in the middle of one does so with a crash.
      await Promise.all([...instances].map(({ gone }) => gone));
    },
  };
}

const LOADING = 'models are still being loaded';

function bytesOf(root: string, name: string): number | undefined {
  try {
    return scanModel(root, name).reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    // What is wrong with it is said when it is opened.
    return undefined;
  }
}

async function load(version: ModelVersion): Promise<void> {
  try {
    await version.load();
  } catch (cause) {
    throw new Error(`version ${version.entry.version}: ${(cause as Error).message}`, { cause });
  }
}

function unknown(name: string, version: string | undefined): RequestError {
  return new RequestError(
    'NotFound',
    `there is no model ${quoted(name)}${version === undefined ? '' : `, version ${quoted(version)}`}`,
  );
}

function indexEntry(version: ModelVersion): IndexEntry {
  const { name, version: number } = version.entry;
  return version.isReady()
    ? { name, version: number, state: 'READY', reason: '' }
    : { name, version: number, state: 'UNAVAILABLE', reason: `it ${version.obstacle()}` };
}

function notServed(
  root: string,
  served: ReadonlyMap<string, unknown>,
  failures: ReadonlyMap<string, string>,
): IndexEntry[] {
  let names: readonly string[] = [];
  try {
    names = modelNames(root);
  } catch {
    // Nothing is there, so nothing is left to list.
  }
  return names
    .filter((name) => !served.has(name))
    .map((name) => ({ name, version: '', state: 'UNAVAILABLE', reason: failures.get(name) ?? 'it is not loaded' }));
}

/** One exchange of models at a time: of two, the later order wins, and not the one that loads more slowly. */
function createSerial(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
