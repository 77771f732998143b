/** BYTES elements: UTF-8 text that ONNX Runtime can take, which means without NUL, where it would cut a string short. */
import { invalid, quoted } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function checkedText(tensor: string, value: string): string {
  if (value.includes('\0'))
    throw invalid(`input ${quoted(tensor)} has an element with a NUL character, which this model format cannot hold`);
  if (!value.isWellFormed()) throw invalid(`input ${quoted(tensor)} has an element that is not valid Unicode`);
  return value;
}

export function decodedText(tensor: string, bytes: Uint8Array): string {
  let value: string;
  try {
    value = utf8.decode(bytes);
  } catch {
    throw invalid(
      `input ${quoted(tensor)} has an element that is not valid UTF-8, which this model format cannot hold`,
    );
  }
  return checkedText(tensor, value);
}
