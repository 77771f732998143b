/** Who is at the other end of a connection. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface Peer {
  readonly address: string;
  /** DNS names and URIs (a SPIFFE id is one) of its certificate; empty where it has shown none. */
  readonly names: readonly string[];
}

const known = new WeakMap<Socket, Peer>();

export function peerOf(socket: Socket): Peer {
  const peer = known.get(socket) ?? readPeer(socket);
  known.set(socket, peer);
  return peer;
}

function readPeer(socket: Socket): Peer {
  // Only of clients whose certificate was asked for and verified is there one that means something.
  const { authorized = false } = socket as Partial<TLSSocket>;
  const certificate = authorized ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
  return { address: socket.remoteAddress ?? '', names: alternativeNames(certificate?.subjectAltName ?? '') };
}

/** `DNS:a, URI:"b, c"`: Node quotes, as JSON, what could be taken for more than one name (CVE-2021-44532). */
const ENTRY = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

export function alternativeNames(text: string): readonly string[] {
  return [...text.matchAll(ENTRY)]
    .filter(([, kind]) => kind === 'DNS' || kind === 'URI')
    .map(([, , name = '']) => (name.startsWith('"') ? (JSON.parse(name) as string) : name));
}
