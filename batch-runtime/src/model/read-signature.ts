/** `node read-signature.ts MODEL`: prints `{"signature"}` or `{"problem"}`. Started by open-model.ts, and may well crash. */
import type { TensorSpec } from '@slipway/crds';
import { InferenceSession } from 'onnxruntime-node';

const TYPES: Readonly<Record<string, TensorSpec['dtype']>> = {
  bool: 'Bool',
  int8: 'Int8',
  int16: 'Int16',
  int32: 'Int32',
  int64: 'Int64',
  uint8: 'UInt8',
  uint16: 'UInt16',
  uint32: 'UInt32',
  uint64: 'UInt64',
  float16: 'Float16',
  float32: 'Float32',
  float64: 'Float64',
  string: 'String',
};

const FATAL_ONLY = 4;

function specs(values: readonly InferenceSession.ValueMetadata[]): TensorSpec[] {
  return values.map((value) => {
    if (!value.isTensor)
      throw new Error(`"${value.name}" is not a tensor; export the model without sequences and maps (zipmap off)`);
    const dtype = TYPES[value.type];
    if (dtype === undefined) throw new Error(`"${value.name}" is of the type ${value.type}, which is not served`);
    return {
      name: value.name,
      dtype,
      shape: value.shape.map((size) => (typeof size === 'number' && size >= 0 ? size : -1)),
    };
  });
}

const session = await InferenceSession.create(process.argv[2] ?? '', { logSeverityLevel: FATAL_ONLY });
try {
  const signature = { inputs: specs(session.inputMetadata), outputs: specs(session.outputMetadata) };
  console.log(JSON.stringify({ signature }));
} catch (cause) {
  console.log(JSON.stringify({ problem: (cause as Error).message }));
}
