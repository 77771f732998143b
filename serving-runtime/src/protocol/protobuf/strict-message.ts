/**
 * What is left to protobufjs, looked at before: it takes a message that is cut short, a field of another type, or text that is not
 * UTF-8, and makes something of it that nobody sent, such as the name of another model.
 */
import { ProtobufReader, WireType } from './protobuf-reader.ts';

/** As in a DescriptorProto. */
export interface FieldDescriptor {
  readonly number: number;
  readonly type: string;
}

type Read = (reader: ProtobufReader) => void;

const READERS: Readonly<Record<string, Read>> = {
  TYPE_STRING: (reader) => void reader.text(),
  TYPE_BOOL: (reader) => readVarint(reader),
  TYPE_ENUM: (reader) => readVarint(reader),
  TYPE_INT32: (reader) => readVarint(reader),
  TYPE_MESSAGE: (reader) => void reader.bytes(),
};

function readVarint(reader: ProtobufReader): void {
  reader.expect(WireType.varint);
  reader.skip();
}

/** Of a message with these fields; messages within it are not looked into. */
export function createCheck(fields: readonly FieldDescriptor[]): (bytes: Buffer) => void {
  const readers = new Map(
    fields.map(({ number, type }) => {
      const read = READERS[type];
      if (read === undefined) throw new Error(`fields of ${type} are not known here`);
      return [number, read] as const;
    }),
  );
  /** @throws {RequestError} */
  return (bytes) => {
    const reader = new ProtobufReader(bytes);
    while (reader.hasMore) {
      const read = readers.get(reader.tag());
      if (read === undefined) reader.skip();
      else read(reader);
    }
  };
}
