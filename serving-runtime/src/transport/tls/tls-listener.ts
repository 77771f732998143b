/** TLS for sockets that somebody else accepted. */
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { TlsMaterial } from './tls-material.ts';

export interface TlsListenerOptions {
  /** What is spoken behind it (ALPN), the preferred one first; a client that offers others alone is refused. */
  readonly protocols: readonly ('h2' | 'http/1.1')[];
  /** Whether clients are asked for a certificate of the authorities in the material, and whether none goes on without. */
  readonly clientCertificate: 'NotAsked' | 'Optional' | 'Required';
  /** From the connection to the end of the handshake, in milliseconds (10 seconds). */
  readonly handshakeMs?: number;
}

export interface TlsListener {
  take(socket: Socket): void;
  /** New connections get it; open ones go on with theirs. */
  use(material: TlsMaterial): void;
}

const HANDSHAKE_MS = 10_000;

export function createTlsListener(
  material: TlsMaterial,
  { protocols, clientCertificate, handshakeMs = HANDSHAKE_MS }: TlsListenerOptions,
  onSecure: (socket: TLSSocket) => void,
): TlsListener {
  const server = createServer({
    ...material.context,
    ALPNProtocols: [...protocols],
    requestCert: clientCertificate !== 'NotAsked',
    // What an optional one is worth, `peerOf` says.
    rejectUnauthorized: clientCertificate === 'Required',
    handshakeTimeout: handshakeMs,
  });
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    onSecure(socket);
  });
  // No handshake: plain text, an old version, a client without a certificate, a port scanner.
  server.on('tlsClientError', (_cause, socket) => socket.destroy());
  return {
    take: (socket) => {
      socket.on('error', () => socket.destroy());
      server.emit('connection', socket);
    },
    use: ({ context }) => server.setSecureContext(context),
  };
}
