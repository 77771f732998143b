/** A model into all its instances, warmed up, and how many rows shall share a run. */
import { batchRowsFor, measureRuns } from './batch-size.ts';
import type { Isolation } from './channel.ts';
import { startInstance } from './model-instance.ts';
import type { ModelInstance, Signature } from './model-instance.ts';
import { inPieces, measureForNetworkThread } from './network-thread.ts';
import type { RepositoryEntry } from './repository.ts';
import { takesRows } from './rows.ts';
import type { ModelSettings } from './settings.ts';
import { warmUp } from './warm-up.ts';

export interface StartedInstances {
  readonly instances: readonly ModelInstance[];
  /** Another one, in place of one that is lost. @throws {ModelLoadError} */
  start(): Promise<ModelInstance>;
  readonly signature: Signature;
  readonly batchRows: number;
}

/** @param started told of each instance when it is there. @throws {ModelLoadError} and then none of them is left. */
export async function startInstances(
  entry: RepositoryEntry,
  settings: ModelSettings,
  started: (instance: ModelInstance) => void,
): Promise<StartedInstances> {
  const start = async (isolation: Isolation): Promise<ModelInstance> => {
    const { threads, device, maxRunSeconds } = settings;
    const instance = await startInstance({ path: entry.path, isolation, threads, device, maxRunSeconds });
    started(instance);
    try {
      await warmUp(instance, settings.warmUp);
      return instance;
    } catch (cause) {
      instance.close();
      throw cause;
    }
  };
  if (settings.isolation === 'none') return startHere(entry, settings, start);

  const startOne = () => start(settings.isolation);
  const instances = await startAll(startOne, settings.instances);
  const [first] = instances;
  if (first === undefined) throw new Error('a model needs at least one instance');
  const { signature } = first;
  const hasRows = takesRows(signature.inputs, signature.outputs);
  const batchRows = hasRows ? (settings.maxBatchRows ?? batchRowsFor(await measureRuns(first))) : 1;
  return { instances, start: startOne, signature, batchRows };
}

/** What a model does that is too slow, or does not live through its first run, happens in a thread. */
async function startHere(
  { bytes }: RepositoryEntry,
  { maxBatchRows = Infinity }: ModelSettings,
  start: (isolation: Isolation) => Promise<ModelInstance>,
): Promise<StartedInstances> {
  const trial = await start('thread');
  const costs = await measureForNetworkThread(trial, bytes).finally(() => trial.close());
  const mostRows = costs?.at(-1)?.rows;
  const startOne = async () => {
    const instance = await start('none');
    return mostRows === undefined ? instance : inPieces(instance, mostRows);
  };
  return {
    instances: [await startOne()],
    start: startOne,
    signature: trial.signature,
    batchRows: Math.min(maxBatchRows, batchRowsFor(costs)),
  };
}

/** All or none: what was started is ended when one cannot be. */
async function startAll(start: () => Promise<ModelInstance>, number: number): Promise<ModelInstance[]> {
  const attempts = await Promise.allSettled(Array.from({ length: number }, start));
  const instances = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed === undefined) return instances;
  instances.forEach((instance) => instance.close());
  throw failed.reason;
}
