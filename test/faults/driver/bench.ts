/** What all runs share: a control plane with our kinds, its observer, and the rights of the program under test. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startControlPlane } from '../../apiserver/control-plane.ts';
import type { ControlPlane } from '../../apiserver/control-plane.ts';
import type { Rule } from '../oracles/journal-oracles.ts';
import { createProxyCertificate } from '../proxy/certificate.ts';
import type { Certificate } from '../proxy/certificate.ts';
import { createApi } from './api.ts';
import type { Api } from './api.ts';
import { createNamespaces, INSTALLER } from './namespace.ts';
import type { Namespaces } from './namespace.ts';
import { startObserver } from './observer.ts';
import type { Observer } from './observer.ts';

export interface Bench {
  readonly plane: ControlPlane;
  readonly api: Api;
  readonly namespaces: Namespaces;
  readonly observer: Observer;
  readonly certificate: Certificate;
  readonly upstream: { readonly server: string; readonly ca: string };
  /** Of a service account that has the rules and nothing else. */
  readonly token: string;
  stop(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Where the program under test has what is its own. */
export const SYSTEM = 'slipway-system';

export async function startBench(rules: readonly Rule[]): Promise<Bench> {
  const plane = await startControlPlane({ controllerManager: true });
  try {
    await must(plane, [
      'apply',
      '--server-side',
      `--field-manager=${INSTALLER}`,
      '-f',
      join(ROOT, 'crds', 'generated'),
    ]);
    await must(plane, ['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
    const token = await createSubjectAccount(plane, rules);
    const api = createApi(plane.url, plane.folder);
    const observer = await startObserver(api, () => performance.now());
    return {
      plane,
      api,
      namespaces: createNamespaces(api),
      observer,
      certificate: createProxyCertificate(),
      upstream: { server: plane.url, ca: readFileSync(join(plane.folder, 'ca.crt'), 'utf8') },
      token,
      stop: async () => {
        observer.close();
        api.close();
        await plane.stop();
      },
    };
  } catch (cause) {
    await plane.stop();
    throw cause;
  }
}

/** The same rights that the chart gives: a request beyond them shows as 403 in the journal. */
async function createSubjectAccount(plane: ControlPlane, rules: readonly Rule[]): Promise<string> {
  const rbac = 'rbac.authorization.k8s.io';
  const account = { kind: 'ServiceAccount', name: 'subject', namespace: SYSTEM };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account.name, namespace: SYSTEM } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: 'subject' }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'subject' },
      subjects: [account],
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'subject' },
    },
  ];
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await must(plane, ['apply', '--server-side', '-f', '-'], JSON.stringify(list));
  return (await must(plane, ['create', 'token', account.name, '-n', SYSTEM, '--duration=72h'])).trim();
}

async function must(plane: ControlPlane, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}
