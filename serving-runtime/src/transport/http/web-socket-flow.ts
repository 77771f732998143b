/** What a client of a WebSocket may leave lying: a message that it does not complete, and an answer that it does not take. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { incompleteBytes } from './incomplete-body.ts';

/** How long a message may take to arrive, and an answer to be taken. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 5_000;
/** Beside what a frame carries. Of a ping or pong, as clients send them. */
const CONTROL_FRAME_BYTES = 6;

/** Resolves when the client has room for more, or is gone. Never rejects. */
export function sendInTurn(
  connection: WebSocket,
  { message, isBinary }: { readonly message: string | Uint8Array; readonly isBinary: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.terminate(), PATIENCE_MS);
    connection.send(message, { binary: isBinary }, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Counts what has arrived of a message that is not complete, with that of all others, and ends a connection that is too slow with it. */
export function watchArrival(connection: WebSocket, socket: Duplex): void {
  let held = 0;
  let since = 0;
  const release = (bytes: number) => {
    incompleteBytes.give(bytes);
    held -= bytes;
  };
  // Before the parser of frames, which says of the last one that it is complete.
  socket.prependListener('data', (chunk: Buffer) => {
    try {
      incompleteBytes.take(chunk.length);
    } catch {
      connection.terminate();
      // At once, not when it is closed: others that come in the meantime are not to pay for it.
      release(held);
      return;
    }
    if (held === 0) since = performance.now();
    held += chunk.length;
  });
  const look = setInterval(() => {
    if (connection.isPaused) since = performance.now();
    if (held > 0 && performance.now() - since > PATIENCE_MS) connection.terminate();
  }, LOOK_MS);
  connection.on('message', () => release(held));
  for (const event of ['ping', 'pong'] as const) {
    connection.on(event, (data) => release(Math.min(held, data.length + CONTROL_FRAME_BYTES)));
  }
  connection.once('close', () => {
    clearInterval(look);
    release(held);
  });
}
