import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a kubeconfig for one user of one cluster. With `token` instead of a certificate's name it carries that token. */
export function writeKubeconfig(
  path: string,
  {
    server,
    folder,
    user,
  }: { readonly server: string; readonly folder: string; readonly user: { certificate: string } | { token: string } },
): void {
  const base64 = (file: string) => readFileSync(join(folder, file)).toString('base64');
  const credentials =
    'token' in user
      ? { token: user.token }
      : {
          'client-certificate-data': base64(`${user.certificate}.crt`),
          'client-key-data': base64(`${user.certificate}.key`),
        };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'slipway', cluster: { server, 'certificate-authority-data': base64('ca.crt') } }],
    users: [{ name: 'slipway', user: credentials }],
    contexts: [{ name: 'slipway', context: { cluster: 'slipway', user: 'slipway' } }],
    'current-context': 'slipway',
  };
  writeFileSync(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
