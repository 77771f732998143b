/**
 * Tensors as bytes: little endian, row-major; a BYTES element is its length as uint32 and then its bytes
 * (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).
 */
import { decodedText } from './bytes-elements.ts';
import { numericType } from './datatypes.ts';
import type { Datatype, TensorData } from './datatypes.ts';
import { invalid, quoted } from './errors.ts';

/** Throws unless the bytes are exactly `count` elements. The result never shares memory with `bytes`; a small one may with other small ones. */
export function decodeRawTensor(
  name: string,
  { datatype, count }: { datatype: Datatype; count: number },
  bytes: Uint8Array,
): TensorData {
  if (datatype === 'BYTES') return decodeBytesElements(name, count, bytes);
  const type = numericType(datatype);
  const expected = count * type.bytes;
  if (bytes.byteLength !== expected) {
    throw invalid(
      `input ${quoted(name)} has ${bytes.byteLength} bytes of raw data; its shape and datatype need ${expected}`,
    );
  }
  // A copy is aligned, whatever offset the bytes had in the request. Node's pool, which this takes small ones from, is aligned to
  // 8 bytes; memory of its own for each costs more than all that is done with a small tensor.
  const copy = Buffer.allocUnsafe(expected);
  copy.set(bytes);
  if (datatype === 'BOOL' && copy.some((value) => value > 1))
    throw invalid(`input ${quoted(name)} is BOOL and holds bytes other than 0 and 1`);
  return type.view(copy.buffer, copy.byteOffset, count);
}

function decodeBytesElements(name: string, count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: string[] = [];
  let offset = 0;
  while (offset < bytes.byteLength && elements.length < count) {
    if (offset + 4 > bytes.byteLength) break;
    const length = view.getUint32(offset, true);
    if (offset + 4 + length > bytes.byteLength) break;
    elements.push(decodedText(name, bytes.subarray(offset + 4, offset + 4 + length)));
    offset += 4 + length;
  }
  if (offset !== bytes.byteLength || elements.length !== count) {
    throw invalid(
      `the raw data of input ${quoted(name)} is not ${count} BYTES elements (each a 4-byte length, then that many bytes)`,
    );
  }
  return elements;
}

export function encodeRawTensor(data: TensorData): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const bytes = Buffer.allocUnsafe(data.reduce((sum, element) => sum + 4 + Buffer.byteLength(element), 0));
  let offset = 0;
  for (const element of data) {
    const length = bytes.write(element, offset + 4);
    bytes.writeUInt32LE(length, offset);
    offset += 4 + length;
  }
  return bytes;
}
