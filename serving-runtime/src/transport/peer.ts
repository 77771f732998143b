/** Who is at the other end of a connection. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface Peer {
  readonly address: string;
  /** DNS names and URIs (a SPIFFE id is one) of its certificate; empty where it has shown none. */
  readonly names: readonly string[];
  /** Why the certificate that it has shown does not count, in OpenSSL's words; undefined where it counts, or there is none. */
  readonly certificateProblem?: string;
}

const known = new WeakMap<Socket, Peer>();

export function peerOf(socket: Socket): Peer {
  const peer = known.get(socket) ?? readPeer(socket);
  known.set(socket, peer);
  return peer;
}

function readPeer(socket: Socket): Peer {
  // Only of clients whose certificate was asked for and verified is there one that means something.
  const { authorized = false, authorizationError } = socket as Partial<TLSSocket>;
  const address = socket.remoteAddress ?? '';
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { address, names: [] };
  if (!authorized) return { address, names: [], certificateProblem: String(authorizationError) };
  return { address, names: alternativeNames(certificate.subjectAltName ?? '') };
}

/** `DNS:a, URI:"b, c"`: Node quotes, as JSON, what could be taken for more than one name (CVE-2021-44532). */
const ENTRY = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

export function alternativeNames(text: string): readonly string[] {
  return [...text.matchAll(ENTRY)]
    .filter(([, kind]) => kind === 'DNS' || kind === 'URI')
    .map(([, , name = '']) => (name.startsWith('"') ? (JSON.parse(name) as string) : name));
}
