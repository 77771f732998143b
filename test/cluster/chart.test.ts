/** What the chart renders, by helm itself; that it installs, the other tests of this level show. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { expect, it } from 'vitest';
import { findBinaries } from '../../hack/kube/binaries.ts';

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

const CHART = join(import.meta.dirname, '..', '..', 'charts', 'slipway');

async function render(...settings: readonly string[]): Promise<readonly Rendered[]> {
  const { helm } = await findBinaries(['helm'], { progress: console.log });
  const set = settings.flatMap((setting) => ['--set', setting]);
  const { stdout } = await promisify(execFile)(helm, ['template', 'team', CHART, '--namespace', 'ops', ...set], {
    maxBuffer: 64 * 2 ** 20,
  });
  return (loadAll(stdout) as (Rendered | null)[]).filter((document) => document !== null);
}

function named(rendered: readonly Rendered[], kind: string, name: string): Rendered {
  const found = rendered.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`the chart has no ${kind} ${name}`);
  return found;
}

const isMonitoring = ({ kind }: Rendered) => ['ServiceMonitor', 'PrometheusRule'].includes(kind);

it('needs no Prometheus Operator', async () => {
  expect((await render()).filter(isMonitoring)).toEqual([]);
});

it('has a ServiceMonitor and alerts on its own release, for those who ask', async () => {
  const rendered = await render(
    'monitoring.serviceMonitor.enabled=true',
    'monitoring.serviceMonitor.labels.release=prometheus',
    'monitoring.prometheusRule.enabled=true',
  );
  const [rule, monitor] = rendered.filter(isMonitoring).sort((a, b) => (a.kind < b.kind ? -1 : 1));

  expect(monitor?.metadata.labels).toMatchObject({ release: 'prometheus', 'app.kubernetes.io/name': 'slipway' });
  expect(monitor?.spec).toMatchObject({ endpoints: [{ port: 'metrics', interval: '30s' }] });
  expect(JSON.stringify(rule?.spec)).toContain('absent(up{job=\\"team-slipway-metrics\\", namespace=\\"ops\\"} == 1)');
  expect(JSON.stringify(rule?.spec)).not.toContain('SELECTOR');
});

it('hands more variables to the operator', async () => {
  const rendered = await render(
    'extraEnv[0].name=OTEL_EXPORTER_OTLP_HEADERS',
    'extraEnv[0].valueFrom.secretKeyRef.name=collector',
    'extraEnv[0].valueFrom.secretKeyRef.key=headers',
  );
  const operator = rendered.find(({ kind }) => kind === 'Deployment');

  expect(operator?.spec).toMatchObject({
    template: {
      spec: {
        containers: [
          {
            env: expect.arrayContaining([
              {
                name: 'OTEL_EXPORTER_OTLP_HEADERS',
                valueFrom: { secretKeyRef: { name: 'collector', key: 'headers' } },
              },
            ]) as unknown,
          },
        ],
      },
    },
  });
});

it('has the API server check signatures and uses, trusts whom it is told to, and lets the operator see that it does', async () => {
  const rendered = await render(
    'admission.trustedAppliers[0].kind=ServiceAccount',
    'admission.trustedAppliers[0].name=applier',
    'admission.trustedAppliers[0].namespace=argocd',
    'admission.trustedAppliers[1].kind=Group',
    'admission.trustedAppliers[1].name=release-bots',
  );
  const admission = rendered.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));
  const reads = {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
    resourceNames: ['team-slipway-signatures'],
    verbs: ['get', 'list', 'watch'],
  };

  expect(admission.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
    'ValidatingAdmissionPolicy team-slipway-in-use',
    'ValidatingAdmissionPolicy team-slipway-signatures',
    'ValidatingAdmissionPolicyBinding team-slipway-in-use',
    'ValidatingAdmissionPolicyBinding team-slipway-signatures',
  ]);
  expect(JSON.stringify(admission)).toContain(
    'request.userInfo.username in [\\"system:serviceaccount:argocd:applier\\"]',
  );
  expect(JSON.stringify(admission)).toContain('group in [\\"release-bots\\"]');
  expect(named(rendered, 'ClusterRole', 'team-slipway').rules).toContainEqual(reads);
  expect(JSON.stringify(named(rendered, 'Deployment', 'team-slipway'))).toContain(
    '{"name":"SLIPWAY_SIGNING_POLICY","value":"team-slipway-signatures"}',
  );
});

it.each([['admission.enabled=false'], ['watchNamespaces={a}']])('has no policies with %s', async (setting) => {
  const rendered = await render(setting);

  expect(rendered.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'))).toEqual([]);
  expect(JSON.stringify(rendered)).not.toMatch(/SLIPWAY_SIGNING_POLICY|admissionregistration/);
});

it('keeps apart who makes versions, who says what they have to pass, who approves and who releases', async () => {
  const rendered = await render();
  const written = (role: string) =>
    (named(rendered, 'ClusterRole', `team-slipway-${role}`).rules ?? [])
      .filter(({ verbs }) => verbs.includes('create'))
      .flatMap(({ resources }) => resources);

  expect(written('edit')).toEqual(expect.arrayContaining(['modelversions', 'trainingjobs', 'inferenceservices']));
  for (const resource of ['models', 'modelaliases', 'approvals', '*']) expect(written('edit')).not.toContain(resource);
  expect(written('admin')).toEqual(['models']);
  expect(written('approver')).toEqual(['approvals']);
  expect(written('releaser')).toEqual(['modelaliases']);
});

it('refuses a value that cannot be, with the place of it', async () => {
  await expect(render('monitoring.serviceMonitor.interval=often')).rejects.toThrow(
    /\/monitoring\/serviceMonitor\/interval/,
  );
});
