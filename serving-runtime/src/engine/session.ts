/** A session of ONNX Runtime: a model that is opened and asked. Its runs block the thread that they are called on. */
import { performance } from 'node:perf_hooks';
import { checkExternalData, ExternalDataError } from '@slipway/crds/external-data';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { numericType } from '../protocol/datatypes.ts';
import type { Datatype, Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { loadFailure } from './load-failure.ts';
import { MAX_RESULT_BYTES } from './messages.ts';
import type { LoadMessage, RunMessage, RunResultMessage, SessionSettings } from './messages.ts';

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

export interface Session {
  /** Never rejects: what went wrong is in the message. */
  run(message: RunMessage): Promise<RunResultMessage>;
  release(): Promise<void>;
}

/** `session` is undefined where the message says why. Never rejects. */
export async function openSession(
  settings: SessionSettings,
): Promise<{ readonly message: LoadMessage; readonly session: Session | undefined }> {
  const failed = (reason: string, cause: unknown) =>
    ({ message: { kind: 'loadFailed', reason, detail: String(cause) }, session: undefined }) as const;
  let session: InferenceSession;
  try {
    session = await open(settings);
  } catch (cause) {
    const isKnown = cause instanceof ExternalDataError && cause.kind !== 'unreadable';
    const platform = `${process.platform}-${process.arch}`;
    return failed(isKnown ? cause.message : loadFailure(settings.device, String(cause), platform), cause);
  }
  try {
    const message = {
      kind: 'loaded',
      inputs: specs(session.inputMetadata),
      outputs: specs(session.outputMetadata),
    } as const;
    return { message, session: { run: (run) => answer(session, run), release: () => session.release() } };
  } catch (cause) {
    return failed(cause instanceof UnservableModel ? cause.message : 'its signature cannot be read', cause);
  }
}

async function open({ path, threads, device }: SessionSettings): Promise<InferenceSession> {
  await checkExternalData(path);
  return InferenceSession.create(path, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: FATAL_ONLY,
    executionProviders: [device],
  });
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

async function answer(session: InferenceSession, { id, inputs, outputs }: RunMessage): Promise<RunResultMessage> {
  let started = 0;
  // ONNX Runtime's binding runs in a `setImmediate` of its own; what the thread does until then is not the model's time.
  setImmediate(() => (started = performance.now()));
  try {
    const feeds = Object.fromEntries(inputs.map((tensor) => [tensor.name, toOrt(tensor)]));
    const results = await session.run(feeds, [...outputs]);
    refuseTooLarge(outputs.map((name) => results[name]));
    const tensors = outputs.map((name) => fromOrt(name, results[name]));
    return { kind: 'done', id, outputs: tensors, microseconds: (performance.now() - started) * 1000 };
  } catch (cause) {
    return { kind: 'runFailed', id, detail: String(cause), isTooLarge: cause instanceof ResultTooLarge };
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
