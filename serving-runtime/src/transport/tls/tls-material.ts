/** Certificates and keys as they lie in files, checked before anything is served with them. */
import { constants, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';

export interface TlsFiles {
  /** PEM: the server's certificate, and those that lead from it to its authority. */
  readonly cert: string;
  /** PEM, without a password. */
  readonly key: string;
  /** PEM: authorities whose clients are let in; undefined: clients need no certificate. */
  readonly clientCa: string | undefined;
}

export interface TlsMaterial {
  readonly context: SecureContextOptions;
  /** Seconds since 1970. */
  readonly notAfterSeconds: number;
}

/** Those of TLS 1.2 that have forward secrecy and authenticate what they encrypt, and all of TLS 1.3 (RFC 9325, section 4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export function tlsPaths({ cert, key, clientCa }: TlsFiles): readonly string[] {
  return clientCa === undefined ? [cert, key] : [cert, key, clientCa];
}

export function readTlsFiles(files: TlsFiles): readonly Buffer[] {
  return tlsPaths(files).map((path) => readFileSync(path));
}

/** @throws {Error} when they are no certificates, or the key is not that of the certificate. */
export function readTlsMaterial([cert, key, ca]: readonly (Buffer | undefined)[]): TlsMaterial {
  if (cert === undefined || key === undefined) throw new Error('a certificate and its key are needed');
  const certificate = new X509Certificate(cert);
  // An empty list would be taken for "the authorities of the system", whose clients are anybody.
  if (ca !== undefined && !new X509Certificate(ca).ca)
    throw new Error('the certificate for clients is not of an authority');
  const context: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A client could have us do handshakes without end on one connection.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  createSecureContext(context);
  return { context, notAfterSeconds: certificate.validToDate.getTime() / 1000 };
}
