/** Certificates of an authority that a test makes for itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', [...args], { stdio: 'ignore' });
}

export interface Authority {
  /** Its own certificate, in PEM. */
  readonly pem: string;
  /** @param names such as `DNS:localhost` or `URI:spiffe://a/b`. */
  issue(names: string): Pair;
}

/** Its files lie in `folder`, which is there. */
export function createAuthority(folder: string): Authority {
  const [key, cert] = [join(folder, 'ca.key'), join(folder, 'ca.crt')];
  openssl('req', '-x509', ...CURVE, '-subj', `/CN=authority`, '-keyout', key, '-out', cert);
  let issued = 0;
  return {
    pem: readFileSync(cert, 'utf8'),
    issue: (names) => {
      issued += 1;
      const at = (suffix: string) => join(folder, `${issued}.${suffix}`);
      const subject = ['-subj', `/CN=${issued}`, '-addext', `subjectAltName=${names}`];
      openssl(
        'req',
        '-x509',
        ...CURVE,
        ...subject,
        '-CA',
        cert,
        '-CAkey',
        key,
        '-keyout',
        at('key'),
        '-out',
        at('crt'),
      );
      return { cert: readFileSync(at('crt'), 'utf8'), key: readFileSync(at('key'), 'utf8') };
    },
  };
}

/** A mounted Secret as a kubelet writes it: files that are links through `..data`, which is exchanged in one step. */
export function mountedSecret(folder: string): {
  readonly path: (name: string) => string;
  put: (files: Readonly<Record<string, string>>) => void;
} {
  let written = 0;
  return {
    path: (name) => join(folder, name),
    put: (files) => {
      written += 1;
      const version = `..${written}`;
      mkdirSync(join(folder, version));
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(folder, version, name), content);
        if (written === 1) symlinkSync(join('..data', name), join(folder, name));
      }
      symlinkSync(version, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    },
  };
}
