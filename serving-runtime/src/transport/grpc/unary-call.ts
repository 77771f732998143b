import { RequestCancellation } from '../../engine/cancellation.ts';
import { RequestError } from '../../protocol/errors.ts';
import type { Exchange } from '../http2/exchange.ts';
import { decompressed } from './compression.ts';
import type { RawMessage } from './message-reader.ts';
import type { Rpc } from './rpc.ts';
import { decodeWith, ServerCall, truncated } from './server-call.ts';
import type { CallOptions, CallSettings } from './server-call.ts';

type UnaryRpc = Extract<Rpc, { kind: 'unary' }>;

/** One message, one answer. */
export class UnaryCall extends ServerCall {
  readonly #rpc: UnaryRpc;
  #message: RawMessage | undefined;
  #isWorking = false;
  readonly signal = new RequestCancellation();

  // oxlint-disable-next-line max-params -- the three of every call, and what is called
  constructor(exchange: Exchange, settings: CallSettings, options: CallOptions, rpc: UnaryRpc) {
    super(exchange, settings, options);
    this.#rpc = rpc;
    this.incompleteSince = settings.clock.now;
  }

  data(chunk: Buffer): void {
    this.exchange.consumed(chunk.length);
    if (this.isOver) return;
    try {
      this.reader.push(chunk);
      for (let message = this.reader.read(); message !== undefined; message = this.reader.read()) {
        if (this.#message !== undefined) throw new RequestError('Unimplemented', 'the method takes one message');
        this.#message = message;
      }
    } catch (cause) {
      this.fail(cause);
    }
  }

  end(): void {
    if (this.isOver) return;
    this.incompleteSince = 0;
    if (this.reader.held > 0) this.fail(truncated());
    else if (this.#message === undefined) this.fail(new RequestError('Unimplemented', 'the method takes one message'));
    else this.#work(this.#message);
  }

  drained(): void {}

  protected cancel(): void {
    this.signal.abort();
  }

  /** Whatever works on it has taken from the message what it needs: tensors are copied before the method has its first pause. */
  protected override stop(): void {
    this.reader.recycle();
    super.stop();
  }

  override aborted(): void {
    super.aborted();
    if (!this.#isWorking) this.exchange.end();
  }

  #work(message: RawMessage): void {
    this.#isWorking = true;
    if (!message.isCompressed) {
      this.#answer(message.bytes);
      return;
    }
    decompressed(message, this.encoding, this.settings.maxMessageBytes).then(
      (bytes) => this.#answer(bytes),
      (cause: unknown) => this.#settle(cause),
    );
  }

  #answer(bytes: Buffer): void {
    try {
      const answer = this.isOver ? NOTHING : this.#rpc.method(decodeWith(this.#rpc.decode, bytes) as never, this);
      if (answer instanceof Promise) {
        answer.then(
          (message: object) => this.#send(message),
          (cause: unknown) => this.#settle(cause),
        );
      } else {
        this.#send(answer);
      }
    } catch (cause) {
      this.#settle(cause);
    }
  }

  #send(message: object): void {
    if (this.isOver) {
      this.exchange.end();
      return;
    }
    let encoded: Buffer;
    try {
      encoded = this.#rpc.encode(message);
    } catch (cause) {
      this.fail(cause);
      return;
    }
    this.sendHead();
    this.exchange.write(encoded);
    this.complete();
  }

  /** The work has failed, or stopped for a client that has gone. */
  #settle(cause: unknown): void {
    if (this.isOver) this.exchange.end();
    else this.fail(cause);
  }
}

const NOTHING = {};
