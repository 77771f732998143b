/** What RFC 9113, section 6, says of each type of frame, whatever state its connection is in. */
import { frameSizeError, protocolError } from './errors.ts';
import { FrameType } from './frames.ts';
import type { Frame } from './frames.ts';

interface Rule {
  /** Whether the frame belongs to a stream; undefined: to either. */
  readonly ofStream?: boolean;
  readonly length?: number;
}

const RULES: Readonly<Record<number, Rule>> = {
  [FrameType.data]: { ofStream: true },
  [FrameType.headers]: { ofStream: true },
  [FrameType.priority]: { ofStream: true, length: 5 },
  [FrameType.rstStream]: { ofStream: true, length: 4 },
  [FrameType.settings]: { ofStream: false },
  [FrameType.ping]: { ofStream: false, length: 8 },
  [FrameType.goaway]: { ofStream: false },
  [FrameType.windowUpdate]: { length: 4 },
  [FrameType.continuation]: { ofStream: true },
};

/** @throws {ConnectionError} */
export function checkFrame({ type, streamId, start, end }: Frame): void {
  // A client cannot push, and to servers we say that they shall not.
  if (type === FrameType.pushPromise) throw protocolError('nothing may be pushed');
  const rule = RULES[type];
  if (rule === undefined) return;
  if (rule.ofStream !== undefined && rule.ofStream !== streamId > 0) {
    throw protocolError(rule.ofStream ? 'the frame needs a stream' : 'the frame belongs to no stream');
  }
  if (rule.length !== undefined && end - start !== rule.length) {
    throw frameSizeError('a frame has the wrong length');
  }
}

/** Priorities are not used (section 5.3), but a stream that depends on itself has always been an error. */
export function checkDependency({ buffer, start, streamId }: Frame): void {
  if ((buffer.readUInt32BE(start) & 0x7fffffff) === streamId) throw protocolError('a stream depends on itself');
}
