/** What was asked and answered, as one line of JSON with a bound on its size. Pure. */
import type { Datatype, Tensor, TensorData } from '../../protocol/datatypes.ts';
import { jsonElements } from '../../protocol/rest-response.ts';

export interface Payload {
  /** ISO 8601, when it was answered. */
  readonly time: string;
  readonly requestId: string;
  /** That the answer has in its body or message; each inference of a stream has its own. */
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly durationMs: number;
  readonly inputs: readonly TensorStart[];
  readonly outputs: readonly TensorStart[] | undefined;
  /** What the client was told, where there are no outputs. */
  readonly error: string | undefined;
}

/** A tensor, of whose elements only the first may be here. */
export interface TensorStart {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Copies as much of the tensors as can stand in `maxBytes` of JSON, whatever the values are. */
export function startsOf(tensors: readonly Tensor[], maxBytes: number): TensorStart[] {
  // An element takes two bytes or more, with its comma.
  const most = Math.ceil(maxBytes / 2);
  return tensors.map(({ name, datatype, shape, data }) => ({
    name,
    datatype,
    shape,
    data: ArrayBuffer.isView(data) ? data.slice(0, most) : shortTexts(data.slice(0, most), maxBytes),
  }));
}

function shortTexts(texts: readonly string[], maxLength: number): string[] {
  let length = 0;
  const end = texts.findIndex((text) => (length += text.length) > maxLength);
  return end < 0 ? [...texts] : texts.slice(0, end);
}

/** How much memory they hold, about. */
export function heldBytes(tensors: readonly TensorStart[]): number {
  return tensors.reduce(
    (sum, { data }) =>
      sum + (ArrayBuffer.isView(data) ? data.byteLength : data.reduce((length, text) => length + text.length, 0)),
    0,
  );
}

/** @param maxBytes of the elements of all inputs together, and of those of all outputs; what does not fit is left out and said so. */
export function payloadLine({ inputs, outputs, error, ...facts }: Payload, maxBytes: number): string {
  const head = JSON.stringify(facts).slice(0, -1);
  const end =
    outputs === undefined ? `"error":${JSON.stringify(error)}` : `"outputs":${tensorsJson(outputs, maxBytes)}`;
  return `${head},"inputs":${tensorsJson(inputs, maxBytes)},${end}}\n`;
}

function tensorsJson(tensors: readonly TensorStart[], maxBytes: number): string {
  let left = maxBytes;
  const texts = tensors.map(({ name, datatype, shape, data }) => {
    const elements: string[] = [];
    for (const element of jsonElements({ datatype, data })) {
      left -= Buffer.byteLength(element) + 1;
      if (left < 0) break;
      elements.push(element);
    }
    const isWhole = elements.length === shape.reduce((product, size) => product * size, 1);
    const head = JSON.stringify({ name, shape, datatype, ...(isWhole ? {} : { truncated: true }) }).slice(0, -1);
    return `${head},"data":[${elements.join(',')}]}`;
  });
  return `[${texts.join(',')}]`;
}
