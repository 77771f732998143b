/** HTTP/1.1 byte by byte, right or wrong. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 5;

/** Sends the pieces, each in a packet of its own, and resolves with all that comes back until the server closes the connection. */
export async function talk(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const answer: Buffer[] = [];
  socket.on('data', (data: Buffer) => answer.push(data));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await sleep(PAUSE_MS);
  }
  await closed;
  return Buffer.concat(answer).toString('latin1');
}

/** The status lines in what came back. */
export function statusesIn(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}
