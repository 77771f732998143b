/**
 * Models of `isolation: none`, which run on the thread that answers the network. Nobody else is answered meanwhile, so a run has to be
 * short whatever a client sends: no size may be left open but that of the rows, and many rows run a few at a time.
 */
import { measureRun, measureRuns } from './batch-size.ts';
import type { RunCost } from './batch-size.ts';
import { ModelLoadError, ModelRunError } from './model-instance.ts';
import type { ModelInstance, RunResult, Signature } from './model-instance.ts';
import { joinRows, rowsOf, splitRows, takesRows } from './rows.ts';

const LONGEST_RUN_MICROSECONDS = 1000;
/** A larger one would hold up everybody while it is loaded. */
const LARGEST_MODEL_BYTES = 16 * 1024 * 1024;

/**
 * What runs of such a model take, in so many rows as it may run at a time; undefined where it takes no rows.
 *
 * @param trial an instance of it in a thread. @throws {ModelLoadError} when it has to run elsewhere.
 */
export async function measureForNetworkThread(
  trial: ModelInstance,
  bytes: number,
): Promise<readonly RunCost[] | undefined> {
  const obstacle = obstacleOf(trial.signature, bytes);
  if (obstacle !== undefined) throw unfit(obstacle);
  const { inputs, outputs } = trial.signature;
  if (!takesRows(inputs, outputs)) {
    const microseconds = await measureRun(trial).catch(() => {
      throw unfit('it could not be run with values that are made up, to see how long that takes');
    });
    if (microseconds > LONGEST_RUN_MICROSECONDS) throw tooSlow(microseconds);
    return undefined;
  }
  const costs = await measureRuns(trial);
  if (costs === undefined) throw unfit('what it says of a row depends on the rows beside it, or it cannot be measured');
  const short = costs.filter(({ microseconds }) => microseconds <= LONGEST_RUN_MICROSECONDS);
  if (short.length === 0) throw tooSlow(costs[0]?.microseconds ?? Infinity);
  return short;
}

function obstacleOf({ inputs, outputs }: Signature, bytes: number): string | undefined {
  if (bytes > LARGEST_MODEL_BYTES) return `it has more than ${LARGEST_MODEL_BYTES} bytes`;
  const half = [...inputs, ...outputs].find(({ datatype }) => datatype === 'FP16');
  if (half !== undefined) return `"${half.name}" is FP16, which this thread cannot hand to ONNX Runtime`;
  const hasRows = takesRows(inputs, outputs);
  const open = inputs.find(({ shape }) => shape.some((size, axis) => size < 0 && !(hasRows && axis === 0)));
  return open && `input "${open.name}" has a size that is left open, so nobody knows how long a run takes`;
}

function tooSlow(microseconds: number): ModelLoadError {
  return unfit(`a run takes ${(microseconds / 1000).toFixed(1)} ms, and may take ${LONGEST_RUN_MICROSECONDS / 1000}`);
}

function unfit(reason: string): ModelLoadError {
  return new ModelLoadError(`it cannot run with isolation: none: ${reason}; set isolation: thread`, 'measured at load');
}

/** The same instance of a model that takes rows, in runs of at most so many, between which others have their turn. */
export function inPieces(instance: ModelInstance, maxRows: number): ModelInstance {
  return {
    ...instance,
    run: async (requests, outputs) => {
      const rows = requests.map((inputs) => rowsOf(inputs) ?? Infinity).reduce((sum, each) => sum + each, 0);
      // Some models would run on inputs with different numbers of rows, and for longer than was measured.
      if (rows === Infinity) throw new ModelRunError('inputs with different numbers of rows', false);
      if (rows <= maxRows) return instance.run(requests, outputs);
      const sizes = Array.from({ length: Math.ceil(rows / maxRows) }, (_, piece) =>
        Math.min(maxRows, rows - piece * maxRows),
      );
      const results: RunResult[] = [];
      for (const piece of splitRows(joinRows(requests), sizes) ?? [])
        results.push(await instance.run([piece], outputs));
      return {
        outputs: joinRows(results.map((result) => result.outputs)),
        microseconds: results.reduce((sum, { microseconds }) => sum + microseconds, 0),
      };
    },
  };
}
