import { openWire } from '@slipway/crds/protobuf-file';
import type { Field, Wire } from '@slipway/crds/protobuf-file';

/** Field of onnx.ModelProto (onnx/onnx.proto of ONNX 1.21). */
const METADATA_PROPS = 14;
/** Enough for the names of ten thousand columns. */
const MAX_BYTES = 1 << 20;

/** The properties that an exporter wrote into a model, by name. ONNX Runtime for Node does not tell them. @param path of the .onnx file */
export function readMetadata(path: string): Map<string, string> {
  const wire = openWire(path);
  try {
    const properties = [...wire.fields(wire.whole)].filter(({ number }) => number === METADATA_PROPS);
    return new Map(properties.map((property) => keyAndValue(wire, property)));
  } finally {
    wire.close();
  }
}

function keyAndValue(wire: Wire, property: Field): [string, string] {
  const texts = new Map<number, string>();
  for (const field of wire.fields(property)) {
    if (field.end - field.start <= MAX_BYTES) texts.set(field.number, wire.text(field, MAX_BYTES));
  }
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}
