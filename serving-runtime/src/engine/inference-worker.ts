/**
 * One session of one model, in a thread or a process of its own, since `run` of ONNX Runtime blocks the thread that it is called on.
 * Started by `channel.ts`.
 */
import { getPriority, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
// oxlint-disable-next-line import/no-unassigned-import -- being imported first is all that it does
import './hide-float16-array.ts';
import { checkExternalData, ExternalDataError } from '@slipway/crds/external-data';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { numericType } from '../protocol/datatypes.ts';
import type { Datatype, Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { loadFailure } from './load-failure.ts';
import { END, MAX_RESULT_BYTES } from './messages.ts';
import type { InstanceMessage, RunMessage, SessionSettings } from './messages.ts';

/** Names of datatypes, ONNX Runtime's and the protocol's. */
const DATATYPES: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
};
const ORT_TYPES = Object.fromEntries(Object.entries(DATATYPES).map(([ort, datatype]) => [datatype, ort]));

const FATAL_ONLY = 4;
const settings = (isMainThread ? JSON.parse(process.argv[2] ?? '{}') : workerData) as SessionSettings;

function post(message: InstanceMessage, transfer: readonly ArrayBuffer[] = []): void {
  if (isMainThread) process.send?.(message);
  else parentPort?.postMessage(message, [...transfer]);
}

function listen(onMessage: (message: RunMessage) => void): void {
  if (!isMainThread) {
    parentPort?.on('message', (message: RunMessage | typeof END) => {
      if (message === END) process.exit(0);
      else onMessage(message);
    });
    return;
  }
  process.on('message', onMessage);
  process.on('disconnect', () => process.exit(0));
}

/**
 * Lets the thread that answers the network go first where there are fewer cores than work: a health check then waits for no inference.
 * On Linux 0 stands for this thread; those that ONNX Runtime starts afterwards inherit it.
 */
function yieldToNetwork(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, Math.min(LOWEST_PRIORITY, getPriority(0) + PRIORITY_STEP));
  } catch {
    // A sandbox may forbid it; the model runs all the same.
  }
}
const LOWEST_PRIORITY = 19;
const PRIORITY_STEP = 5;

async function open(): Promise<InferenceSession | undefined> {
  try {
    await checkExternalData(settings.path);
    return await InferenceSession.create(settings.path, {
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      logSeverityLevel: FATAL_ONLY,
      executionProviders: [settings.device],
    });
  } catch (cause) {
    const detail = String(cause);
    const isKnown = cause instanceof ExternalDataError && cause.kind !== 'unreadable';
    const reason = isKnown
      ? cause.message
      : loadFailure(settings.device, detail, `${process.platform}-${process.arch}`);
    post({ kind: 'loadFailed', reason, detail });
    return undefined;
  }
}

function specs(values: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return values.map((value) => {
    const datatype = value.isTensor ? DATATYPES[value.type] : undefined;
    if (!value.isTensor)
      throw new UnservableModel(`"${value.name}" is not a tensor; export the model without sequences and maps`);
    if (datatype === undefined)
      throw new UnservableModel(`"${value.name}" is of type ${value.type}, which this server does not serve`);
    return {
      name: value.name,
      datatype,
      shape: value.shape.map((size) => (typeof size === 'number' && size >= 0 ? size : -1)),
    };
  });
}

class UnservableModel extends Error {
  override name = 'UnservableModel';
}

async function run(session: InferenceSession, { id, inputs, outputs }: RunMessage): Promise<void> {
  const started = performance.now();
  try {
    const feeds = Object.fromEntries(inputs.map((tensor) => [tensor.name, toOrt(tensor)]));
    const results = await session.run(feeds, [...outputs]);
    refuseTooLarge(outputs.map((name) => results[name]));
    const tensors = outputs.map((name) => fromOrt(name, results[name]));
    const buffers = tensors.flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : []));
    const microseconds = (performance.now() - started) * 1000;
    post({ kind: 'done', id, outputs: tensors, microseconds }, [...new Set(buffers)]);
  } catch (cause) {
    post({ kind: 'runFailed', id, detail: String(cause), isTooLarge: cause instanceof ResultTooLarge });
  }
}

class ResultTooLarge extends Error {
  override name = 'ResultTooLarge';
}

/** A model may make much of little; before it is copied, and copied again for the network. Texts count as their references. */
function refuseTooLarge(results: readonly (OrtTensor | undefined)[]): void {
  const bytes = results.reduce((sum, tensor) => {
    const datatype = DATATYPES[tensor?.type ?? ''] ?? 'BYTES';
    return sum + (tensor?.size ?? 0) * (datatype === 'BYTES' ? REFERENCE_BYTES : numericType(datatype).bytes);
  }, 0);
  if (bytes > MAX_RESULT_BYTES) throw new ResultTooLarge(`results of ${bytes} bytes`);
}

const REFERENCE_BYTES = 8;

function toOrt({ datatype, shape, data }: Tensor): OrtTensor {
  return new OrtTensor(ORT_TYPES[datatype] as 'float32', data as Float32Array, shape);
}

/** A result may lie in memory that ONNX Runtime uses again, so it is copied before it goes to another thread. */
function fromOrt(name: string, tensor: OrtTensor | undefined): Tensor {
  const datatype = DATATYPES[tensor?.type ?? ''];
  if (tensor === undefined || datatype === undefined) throw new Error(`no tensor ${name}`);
  const data = tensor.data as Float32Array | string[];
  return { name, datatype, shape: tensor.dims, data: data.slice() };
}

yieldToNetwork();
const session = await open();
if (session !== undefined) {
  try {
    post({ kind: 'loaded', inputs: specs(session.inputMetadata), outputs: specs(session.outputMetadata) });
    listen((message) => void run(session, message));
  } catch (cause) {
    post({
      kind: 'loadFailed',
      reason: cause instanceof UnservableModel ? cause.message : 'its signature cannot be read',
      detail: String(cause),
    });
  }
}
