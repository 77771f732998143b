import { RequestError } from '../../protocol/errors.ts';
import type { Exchange } from '../http2/exchange.ts';
import { decompressed } from './compression.ts';
import type { RawMessage } from './message-reader.ts';
import type { Rpc, StreamingCall as Call } from './rpc.ts';
import { decodeWith, ServerCall, truncated } from './server-call.ts';
import type { CallOptions, CallSettings } from './server-call.ts';

type StreamingRpc = Extract<Rpc, { kind: 'streaming' }>;

interface Waiter {
  readonly resolve: (message: RawMessage | undefined) => void;
  readonly reject: (cause: unknown) => void;
}

/** Any number of messages both ways, which are read as fast as the method asks for them. */
export class StreamingCall extends ServerCall implements Call {
  readonly #rpc: StreamingRpc;
  readonly #gone = new AbortController();
  #waiter: Waiter | undefined;
  #isRequestComplete = false;
  #broken: unknown;
  #arrivedBytes = 0;
  /** Of what arrived, how much the client knows that we have taken. */
  #releasedBytes = 0;
  #afterDrain: (() => void)[] = [];

  // oxlint-disable-next-line max-params -- the three of every call, and what is called
  constructor(exchange: Exchange, settings: CallSettings, options: CallOptions, rpc: StreamingRpc) {
    super(exchange, settings, options);
    this.#rpc = rpc;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  protected cancel(): void {
    this.#gone.abort();
  }

  start(): void {
    this.sendHead();
    this.#rpc
      .method(this.#requests() as AsyncIterable<never>, this)
      .then(
        () => this.complete(),
        (cause: unknown) => this.fail(cause),
      )
      // Also where the client has gone meanwhile: the work has stopped.
      .finally(() => this.exchange.end());
  }

  data(chunk: Buffer): void {
    this.#arrivedBytes += chunk.length;
    if (this.isOver) {
      this.#release(this.#arrivedBytes);
      return;
    }
    try {
      this.reader.push(chunk);
      if (this.#waiter === undefined) this.reader.keep();
      else this.#tell();
    } catch (cause) {
      this.#break(cause);
    }
  }

  end(): void {
    this.#isRequestComplete = true;
    if (this.#waiter === undefined) return;
    try {
      this.#tell();
    } catch (cause) {
      this.#break(cause);
    }
  }

  override aborted(): void {
    super.aborted();
    this.#break(new RequestError('Cancelled', 'the client gave the call up'));
    this.drained();
  }

  override fail(cause: unknown): void {
    super.fail(cause);
    this.#break(cause);
    this.drained();
  }

  drained(): void {
    const waiting = this.#afterDrain;
    this.#afterDrain = [];
    for (const resolve of waiting) resolve();
  }

  async send(message: object): Promise<void> {
    if (this.isOver) return;
    const hasRoom = this.exchange.write(this.#rpc.encode(message));
    if (!hasRoom) await new Promise<void>((resolve) => this.#afterDrain.push(resolve));
  }

  async *#requests(): AsyncGenerator {
    for (;;) {
      const message = await new Promise<RawMessage | undefined>((resolve, reject) => {
        this.#waiter = { resolve, reject };
        this.#tell();
      });
      if (message === undefined) return;
      const { maxMessageBytes } = this.settings;
      const bytes = message.isCompressed ? await decompressed(message, this.encoding, maxMessageBytes) : message.bytes;
      yield decodeWith(this.#rpc.decode, bytes);
    }
  }

  /** Gives whoever waits the next message, or the end, if they are there. @throws {RequestError} */
  #tell(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    if (this.#broken !== undefined) {
      waiter.reject(this.#broken);
      return;
    }
    const message = this.reader.read();
    const { held } = this.reader;
    // Of a message that is waited for all is taken as it comes, since it may be larger than the window.
    this.#release(this.#arrivedBytes - (message === undefined ? 0 : held));
    if (message !== undefined || (this.#isRequestComplete && held === 0)) {
      this.#waiter = undefined;
      this.incompleteSince = 0;
      waiter.resolve(message);
    } else if (this.#isRequestComplete) {
      throw truncated();
    } else if (held > 0 && this.incompleteSince === 0) {
      this.incompleteSince = this.settings.clock.now;
    }
  }

  #break(cause: unknown): void {
    this.#broken ??= cause;
    this.#waiter?.reject(this.#broken);
    this.#waiter = undefined;
  }

  #release(upTo: number): void {
    const bytes = upTo - this.#releasedBytes;
    if (bytes <= 0) return;
    this.#releasedBytes = upTo;
    this.exchange.consumed(bytes);
  }
}
