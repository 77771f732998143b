/** Requests for inference, as bytes. */
import { WireType } from '../../../serving-runtime/src/protocol/protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../../../serving-runtime/src/protocol/protobuf/protobuf-writer.ts';
import { rowsFor } from './models.ts';
import type { BenchModel } from './models.ts';

export const INFER_PATH = '/inference.GRPCInferenceService/ModelInfer';

/** A ModelInferRequest with raw contents. */
export function inferMessage(model: BenchModel, rows: number): Buffer {
  const { shape, data } = rowsFor(model, rows);
  const writer = new ProtobufWriter();
  writer.text(1, model.name);
  writer.tag(5, WireType.bytes);
  writer.nested(() => {
    writer.text(1, model.input.name);
    writer.text(2, 'FP32');
    writer.tag(3, WireType.bytes);
    writer.nested(() => shape.forEach((size) => writer.int64(size)));
  });
  writer.bytes(7, Buffer.from(data.buffer));
  return Buffer.from(writer.take());
}

/** The same for REST. */
export function inferJson(model: BenchModel, rows: number): Buffer {
  const { shape, data } = rowsFor(model, rows);
  const input = { name: model.input.name, shape, datatype: 'FP32', data: [...data] };
  return Buffer.from(JSON.stringify({ inputs: [input] }));
}
