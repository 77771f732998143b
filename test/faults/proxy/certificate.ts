import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../../hack/kube/certificates.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Of an authority that signed this one certificate: whoever trusts it trusts the proxy and nothing else. */
  readonly ca: string;
}

/** A certificate for 127.0.0.1; one serves any number of proxies. */
export function createProxyCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fault-proxy-'));
  try {
    createAuthority(folder);
    issueCertificate(folder, { name: 'proxy', commonName: 'fault-proxy', alternativeNames: ['IP:127.0.0.1'] });
    const read = (file: string) => readFileSync(join(folder, file), 'utf8');
    return { cert: read('proxy.crt'), key: read('proxy.key'), ca: read('ca.crt') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
