import { CliError } from '../../errors.ts';
import type { Value } from './tensors.ts';

type Reader = (view: DataView, offset: number) => Value;

/** Bytes of an element, and how it is read. Little-endian, as the protocol has it. */
const READERS: Readonly<Record<string, readonly [size: number, read: Reader]>> = {
  BOOL: [1, (view, offset) => view.getUint8(offset) !== 0],
  INT8: [1, (view, offset) => view.getInt8(offset)],
  INT16: [2, (view, offset) => view.getInt16(offset, true)],
  INT32: [4, (view, offset) => view.getInt32(offset, true)],
  INT64: [8, (view, offset) => Number(view.getBigInt64(offset, true))],
  UINT8: [1, (view, offset) => view.getUint8(offset)],
  UINT16: [2, (view, offset) => view.getUint16(offset, true)],
  UINT32: [4, (view, offset) => view.getUint32(offset, true)],
  UINT64: [8, (view, offset) => Number(view.getBigUint64(offset, true))],
  FP16: [2, (view, offset) => view.getFloat16(offset, true)],
  FP32: [4, (view, offset) => view.getFloat32(offset, true)],
  FP64: [8, (view, offset) => view.getFloat64(offset, true)],
};

/** The elements of `raw_output_contents`; texts have their length in four bytes before them. */
export function readRawTensor(raw: Uint8Array, datatype: string): Value[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (datatype === 'BYTES') return readTexts(raw, view);
  const [size, read] = READERS[datatype] ?? [];
  if (size === undefined || read === undefined) {
    throw new CliError(
      `The answer has the datatype ${datatype}, which this command does not know.`,
      'Ask over REST: leave out --grpc.',
    );
  }
  return Array.from({ length: Math.floor(raw.byteLength / size) }, (_, index) => read(view, index * size));
}

function readTexts(raw: Uint8Array, view: DataView): string[] {
  const texts: string[] = [];
  for (let offset = 0; offset + 4 <= raw.byteLength;) {
    const length = view.getUint32(offset, true);
    texts.push(Buffer.from(raw.subarray(offset + 4, offset + 4 + length)).toString('utf8'));
    offset += 4 + length;
  }
  return texts;
}
