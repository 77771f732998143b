import { describe, expect, it } from 'vitest';
import { MessageMemory } from './message-memory.ts';
import { MessageReader } from './message-reader.ts';

const MOST = 64 * 1024 * 1024;

describe('memory for messages', () => {
  it('is used again when it was given back, and not when it was dropped', () => {
    const memory = new MessageMemory(1024 * 1024);
    const first = memory.take(5000, MOST);
    memory.give(first);
    const second = memory.take(6000, MOST);
    memory.drop(second);

    expect(second).toBe(first);
    expect(memory.take(6000, MOST)).not.toBe(first);
  });

  it('has a limit on what is out, which giving and dropping make room in', () => {
    const memory = new MessageMemory(16_384);
    const taken = [memory.take(1, MOST), memory.take(8192, MOST)];

    expect(() => memory.take(4097, MOST)).toThrow('too many requests');
    memory.drop(taken[0] as Buffer);
    expect(memory.take(4097, MOST)).toHaveLength(8192);
    expect(() => memory.take(1, MOST)).toThrow('too many requests');
  });

  it('takes no more than a message can need', () => {
    expect(new MessageMemory(MOST).take(3 * 1024 * 1024, 4 * 1024 * 1024)).toHaveLength(4 * 1024 * 1024);
  });
});

describe('a reader', () => {
  const options = () => ({ memory: new MessageMemory(MOST), maxMessageBytes: MOST });
  const framed = (bytes: Buffer) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  };
  /** In three pieces, so that it is put together in memory of its own. */
  const readInPieces = (reader: MessageReader, bytes: Buffer): Buffer => {
    const whole = framed(bytes);
    for (const [from, to] of [
      [0, 3],
      [3, 1000],
    ] as const) {
      reader.push(whole.subarray(from, to));
      expect(reader.read()).toBeUndefined();
    }
    reader.push(whole.subarray(1000));
    return reader.read()?.bytes as Buffer;
  };

  it('leaves a message as it is when it lets go of it, whoever reads afterwards', () => {
    const shared = options();
    const reader = new MessageReader(shared);
    const message = readInPieces(reader, Buffer.alloc(9000, 'a'));
    reader.release();
    readInPieces(new MessageReader(shared), Buffer.alloc(9000, 'b'));

    expect(message.equals(Buffer.alloc(9000, 'a'))).toBe(true);
  });

  it('leaves the memory of a message that is done to the next', () => {
    const shared = options();
    const reader = new MessageReader(shared);
    const first = readInPieces(reader, Buffer.alloc(9000, 'a'));
    reader.recycle();
    const second = readInPieces(new MessageReader(shared), Buffer.alloc(9000, 'b'));

    expect(second.buffer).toBe(first.buffer);
    expect(second.equals(Buffer.alloc(9000, 'b'))).toBe(true);
  });
});
