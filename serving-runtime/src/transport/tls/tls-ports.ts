/** TLS on the data ports, with certificates that are exchanged while they are served with. */
import type { Socket } from 'node:net';
import { watchFiles } from '../../watch-files.ts';
import { createTlsListener } from './tls-listener.ts';
import { readTlsFiles, readTlsMaterial, tlsPaths } from './tls-material.ts';
import type { TlsFiles, TlsMaterial } from './tls-material.ts';

export interface TlsOptions {
  readonly files: TlsFiles;
  readonly events: TlsEvents;
  /** Of a client that shows none, or one of another authority, `peerOf` knows no name. Default: it is not let in. */
  readonly isClientCertificateOptional?: boolean;
  /** How often the files are looked at, in milliseconds (5 seconds). */
  readonly reloadMs?: number;
}

export interface TlsEvents {
  /** Served with from now on. */
  loaded(material: TlsMaterial): void;
  /** What lies there cannot be used; the one before still is. */
  rejected(cause: unknown): void;
}

export interface TlsPorts {
  readonly takeShared: (socket: Socket) => void;
  readonly takeGrpc: (socket: Socket) => void;
}

/** @throws {Error} when the files cannot be served with, as they are now. */
export function createTlsPorts(
  { files, events, isClientCertificateOptional = false, reloadMs }: TlsOptions,
  onHttp: (socket: Socket) => void,
  onGrpc: (socket: Socket) => void,
): TlsPorts {
  const contents = readTlsFiles(files);
  const material = readTlsMaterial(contents);
  const asked = isClientCertificateOptional ? 'Optional' : 'Required';
  const clientCertificate = files.clientCa === undefined ? 'NotAsked' : asked;
  // A client of REST often offers both (curl, Go, browsers), one of gRPC HTTP/2 alone; the first that both sides know is taken.
  const shared = createTlsListener(material, { protocols: ['http/1.1', 'h2'], clientCertificate }, (socket) =>
    (socket.alpnProtocol === 'h2' ? onGrpc : onHttp)(socket),
  );
  const grpc = createTlsListener(material, { protocols: ['h2'], clientCertificate }, (socket) =>
    // gRPC has no other way to say that it is HTTP/2 (RFC 9113, section 3.2).
    socket.alpnProtocol === 'h2' ? onGrpc(socket) : socket.destroy(),
  );
  events.loaded(material);
  watchFiles(contents, {
    paths: tlsPaths(files),
    everyMs: reloadMs,
    changed: (now) => {
      try {
        const next = readTlsMaterial(now);
        shared.use(next);
        grpc.use(next);
        events.loaded(next);
      } catch (cause) {
        events.rejected(cause);
      }
    },
    unreadable: events.rejected,
  });
  return { takeShared: shared.take, takeGrpc: grpc.take };
}
