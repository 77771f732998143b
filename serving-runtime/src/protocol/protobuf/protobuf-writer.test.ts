import { expect, it } from 'vitest';
import { ProtobufReader, WireType } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

it('keeps what it has written, wherever its memory has to grow', () => {
  for (let before = 990; before < 1_030; before += 1) {
    const writer = new ProtobufWriter();
    writer.bytes(1, Buffer.alloc(before));
    writer.tag(2, WireType.bytes);
    writer.nested(() => writer.double(Math.PI));

    const reader = new ProtobufReader(Buffer.from(writer.take()));
    const read: unknown[] = [reader.tag(), reader.bytes().length, reader.tag()];
    reader.nested(() => read.push(reader.double()));
    expect(read).toEqual([1, before, 2, Math.PI]);
  }
});
