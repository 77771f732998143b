/** One port for both protocols: what begins with HTTP/2's preface goes to gRPC, all else to HTTP/1.1. (With TLS the client says which, by ALPN.) */
import type { Socket } from 'node:net';

/** The first bytes of `PRI * HTTP/2.0`; no method of HTTP/1.1 begins with them (RFC 9113, section 3.4). */
const PREFACE = Buffer.from('PRI');
const FIRST_BYTES_TIMEOUT_MS = 10_000;

/** Takes sockets of which nothing was read yet. */
export function tellByPreface(
  onHttp: (socket: Socket) => void,
  onGrpc: (socket: Socket) => void,
): (socket: Socket) => void {
  return (socket) => {
    const timer = setTimeout(() => socket.destroy(), FIRST_BYTES_TIMEOUT_MS);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => clearTimeout(timer));
    let head = Buffer.alloc(0);
    const decide = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) head = Buffer.concat([head, chunk]);
      const isPreface = PREFACE.subarray(0, head.length).equals(head.subarray(0, PREFACE.length));
      if (isPreface && head.length < PREFACE.length) return;
      clearTimeout(timer);
      socket.off('readable', decide);
      socket.unshift(head);
      (isPreface ? onGrpc : onHttp)(socket);
    };
    socket.on('readable', decide);
  };
}
