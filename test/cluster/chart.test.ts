/** What the chart renders, by helm itself; that it installs, the other tests of this level show. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { expect, it } from 'vitest';
import { findBinaries } from '../../hack/kube/binaries.ts';

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
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

it('refuses a value that cannot be, with the place of it', async () => {
  await expect(render('monitoring.serviceMonitor.interval=often')).rejects.toThrow(
    /\/monitoring\/serviceMonitor\/interval/,
  );
});
