/**
 * Answers of HTTP/1.1 out of bytes, as strictly as RFC 9112 allows: where two readers could tell the end of a message in two
 * ways, it is none.
 */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';

export interface AnswerEvents {
  answered(status: number, fields: readonly HeaderField[]): void;
  data(chunk: Buffer): void;
  ended(trailers: readonly HeaderField[]): void;
}

/** The bytes are no answer, or not one that everybody reads alike. */
export class MalformedAnswer extends Error {
  override name = 'MalformedAnswer';
}

const MAX_HEAD_BYTES = 16 * 1024;
/** The size of a chunk and what else its line says. */
const MAX_CHUNK_LINE_BYTES = 1024;
/** Heads before the answer (1xx). */
const MAX_INFORMATIONAL = 16;
const SWITCHING_PROTOCOLS = 101;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
/** Extensions mean nothing to us. */
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[,\s])timeout=(\d{1,9})/i;
const NOTHING = Buffer.alloc(0);

type State = 'head' | 'length' | 'untilClose' | 'chunkLine' | 'chunk' | 'chunkEnd' | 'trailers' | 'done';

export class AnswerParser {
  /** The connection is as good as before when the answer is complete. */
  keepsAlive = false;
  /** For how long the server keeps it, in milliseconds; undefined: it does not say. */
  keptMs: number | undefined;
  readonly #events: AnswerEvents;
  readonly #isHead: boolean;
  #state: State = 'head';
  /** Of a line, or section, that is not complete. */
  #kept: Buffer = NOTHING;
  /** Bytes of the body, or of the chunk, that are to come. */
  #left = 0;
  #informational = 0;

  /** `isHead`: the answer to HEAD has no body, whatever it says. */
  constructor(events: AnswerEvents, isHead: boolean) {
    this.#events = events;
    this.#isHead = isHead;
  }

  get isComplete(): boolean {
    return this.#state === 'done';
  }

  /** Nothing more is told. */
  stop(): void {
    this.#state = 'done';
  }

  /** @throws {MalformedAnswer} */
  read(chunk: Buffer): void {
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = NOTHING;
    while (bytes.length > 0 && this.#state !== 'done') {
      const taken = this.#take(bytes);
      if (taken === 0) {
        this.#kept = bytes;
        return;
      }
      bytes = bytes.subarray(taken);
    }
    // Nobody has asked for what follows.
    if (bytes.length > 0) this.keepsAlive = false;
  }

  /** The server sends nothing more. */
  finish(): void {
    if (this.#state === 'untilClose') this.#end([]);
  }

  /** How many bytes are done with; 0: not enough have come. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#takeSection(bytes, (lines) => this.#takeHead(lines));
      case 'chunkLine':
        return this.#takeChunkLine(bytes);
      case 'chunkEnd':
        return this.#takeChunkEnd(bytes);
      case 'trailers':
        return bytes.length > 1 && startsWithEnd(bytes)
          ? this.#takeEnd()
          : this.#takeSection(bytes, (lines) => this.#end(fieldsIn(lines)));
      case 'untilClose':
        this.#events.data(bytes);
        return bytes.length;
      default:
        return this.#takeBody(bytes);
    }
  }

  /** Lines up to an empty one. */
  #takeSection(bytes: Buffer, take: (lines: readonly string[]) => void): number {
    const end = bytes.indexOf('\r\n\r\n');
    if ((end === -1 ? bytes.length : end) > MAX_HEAD_BYTES)
      throw new MalformedAnswer('a section of fields is too long');
    if (end === -1) return 0;
    take(bytes.toString('latin1', 0, end).split('\r\n'));
    return end + 4;
  }

  #takeHead([statusLine = '', ...lines]: readonly string[]): void {
    const [, minor, code] = STATUS_LINE.exec(statusLine) ?? [];
    if (code === undefined) throw new MalformedAnswer('this is not HTTP/1.1');
    const fields = fieldsIn(lines);
    if (Number(code) < 200) this.#takeInformational(Number(code));
    else this.#takeFinal(Number(code), fields, minor === '1');
  }

  #takeInformational(status: number): void {
    this.#informational += 1;
    if (status === SWITCHING_PROTOCOLS || this.#informational > MAX_INFORMATIONAL)
      throw new MalformedAnswer('nobody has asked for that');
  }

  #takeFinal(status: number, fields: readonly HeaderField[], isHttp11: boolean): void {
    const framing = framingOf(fields, isHttp11);
    const hasBody = !this.#isHead && status !== 204 && status !== 304;
    this.#frame(hasBody ? framing : 0);
    this.keepsAlive = isHttp11 && this.#state !== 'untilClose' && !saysClose(fields);
    this.keptMs = keptMsOf(fields);
    this.#events.answered(status, fields);
    if (this.#state === 'length' && this.#left === 0) this.#end([]);
  }

  #frame(framing: Framing): void {
    if (typeof framing === 'number') {
      this.#left = framing;
      this.#state = 'length';
    } else this.#state = framing === 'chunked' ? 'chunkLine' : 'untilClose';
  }

  #takeBody(bytes: Buffer): number {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.#events.data(part);
    if (this.#left > 0) return part.length;
    if (this.#state === 'length') this.#end([]);
    else if (this.#state === 'chunk') this.#state = 'chunkEnd';
    return part.length;
  }

  #takeChunkLine(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n');
    if ((end === -1 ? bytes.length : end) > MAX_CHUNK_LINE_BYTES)
      throw new MalformedAnswer('the line of a chunk is too long');
    if (end === -1) return 0;
    const [, size] = CHUNK_LINE.exec(bytes.toString('latin1', 0, end)) ?? [];
    if (size === undefined) throw new MalformedAnswer('the size of a chunk is none');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return end + 2;
  }

  #takeChunkEnd(bytes: Buffer): number {
    if (bytes.length < 2) return 0;
    if (!startsWithEnd(bytes)) throw new MalformedAnswer('a chunk is longer than it says');
    this.#state = 'chunkLine';
    return 2;
  }

  #takeEnd(): number {
    this.#end([]);
    return 2;
  }

  #end(trailers: readonly HeaderField[]): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#events.ended(trailers);
  }
}

/** Of a body: its length, or how its end is told. */
type Framing = number | 'chunked' | 'untilClose';

/** Section 6.3. */
function framingOf(fields: readonly HeaderField[], mayBeChunked: boolean): Framing {
  const length = onlyValue(fields, 'content-length');
  const coding = onlyValue(fields, 'transfer-encoding');
  if (coding === undefined) {
    if (length !== undefined && !LENGTH.test(length)) throw new MalformedAnswer('the length is none');
    return length === undefined ? 'untilClose' : Number(length);
  }
  if (coding.toLowerCase() !== 'chunked') throw new MalformedAnswer('the coding is unknown');
  if (length !== undefined || !mayBeChunked) throw new MalformedAnswer('the end of the body is told in two ways');
  return 'chunked';
}

function onlyValue(fields: readonly HeaderField[], wanted: string): string | undefined {
  let found: string | undefined;
  for (const { name, value } of fields) {
    if (name !== wanted) continue;
    if (found !== undefined) throw new MalformedAnswer(`${wanted} stands there twice`);
    found = value;
  }
  return found;
}

/** A line that goes on in the next one (section 5.2) is refused with all that is no field. */
function fieldsIn(lines: readonly string[]): HeaderField[] {
  return lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon === -1 ? 0 : colon);
    const value = trimmed(line, colon + 1);
    if (!TOKEN.test(name) || NOT_IN_VALUE.test(value)) throw new MalformedAnswer('a field is none');
    return { name: name.toLowerCase(), value };
  });
}

function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line, start)) start += 1;
  while (end > start && isBlank(line, end - 1)) end -= 1;
  return line.slice(start, end);
}

function isBlank(line: string, index: number): boolean {
  const code = line.charCodeAt(index);
  return code === 0x20 || code === 0x09;
}

function saysClose(fields: readonly HeaderField[]): boolean {
  return fields.some(
    ({ name, value }) =>
      name === 'connection' && value.split(',').some((option) => option.trim().toLowerCase() === 'close'),
  );
}

function keptMsOf(fields: readonly HeaderField[]): number | undefined {
  const hint = fields.find(({ name }) => name === 'keep-alive')?.value;
  const [, seconds] = hint === undefined ? [] : (KEEP_ALIVE_TIMEOUT.exec(hint) ?? []);
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function startsWithEnd(bytes: Buffer): boolean {
  return bytes[0] === 0x0d && bytes[1] === 0x0a;
}
