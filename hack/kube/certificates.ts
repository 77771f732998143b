import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateRequest {
  /** File name without an ending: `NAME.crt` and `NAME.key` are written. */
  readonly name: string;
  readonly commonName: string;
  /** Groups, as Kubernetes reads them from a certificate. */
  readonly organization?: string;
  /** Such as `IP:127.0.0.1` or `DNS:localhost`. */
  readonly alternativeNames?: readonly string[];
}

/** Makes `ca.crt` and `ca.key`, and a key for tokens of service accounts (`sa.key`, `sa.pub`), in a folder. */
export function createAuthority(folder: string): void {
  openssl(folder, [
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '3650',
    '-subj',
    '/CN=slipway-test-ca',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  ]);
  openssl(folder, ['genrsa', '-out', 'sa.key', '2048']);
  openssl(folder, ['rsa', '-in', 'sa.key', '-pubout', '-out', 'sa.pub']);
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes `NAME.crt` and `NAME.key`, signed by the authority of the folder; good for servers and for clients. */
export function issueCertificate(folder: string, request: CertificateRequest): void {
  const { name, commonName, organization, alternativeNames = [] } = request;
  const subject = organization === undefined ? `/CN=${commonName}` : `/O=${organization}/CN=${commonName}`;
  openssl(folder, ['req', ...NEW_KEY, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`]);
  const names = alternativeNames.length === 0 ? '' : `subjectAltName=${alternativeNames.join(',')}\n`;
  writeFileSync(join(folder, `${name}.ext`), `extendedKeyUsage=serverAuth,clientAuth\n${names}`);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3650', '-extfile', `${name}.ext`];
  openssl(folder, ['x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`]);
}

function openssl(folder: string, args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    throw new Error(`openssl ${args[0]} failed; is the package openssl installed?`, { cause });
  }
}
