/** What the chart renders, by helm itself; that it installs, the other tests of this level show. */
import { execFile } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { OPERATOR_AUDIENCE } from '../../gateway/src/access/bearer-token.ts';
import { findBinaries } from '../../hack/kube/binaries.ts';
import { USUAL_POD_PATHS } from '../../operator/src/pod-paths.ts';

interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
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

const isMonitoring = ({ kind }: Rendered) => ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'].includes(kind);

it('needs no Prometheus Operator', async () => {
  expect((await render()).filter(isMonitoring)).toEqual([]);
});

it('has a ServiceMonitor and alerts on its own release, for those who ask', async () => {
  const rendered = await render(
    'monitoring.serviceMonitor.enabled=true',
    'monitoring.serviceMonitor.labels.release=prometheus',
    'monitoring.prometheusRule.enabled=true',
  );
  const [gateways, rule, monitor] = rendered.filter(isMonitoring).sort((a, b) => (a.kind < b.kind ? -1 : 1));

  expect(gateways).toMatchObject({
    kind: 'PodMonitor',
    metadata: { labels: { release: 'prometheus' } },
    spec: {
      selector: { matchLabels: { 'app.kubernetes.io/name': 'slipway-gateway' } },
      podMetricsEndpoints: [{ port: 'admin', interval: '30s' }],
    },
  });
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
  const operator = named(rendered, 'Deployment', 'team-slipway');

  expect(operator.spec).toMatchObject({
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

it('tells the operator what services may set of their pods', async () => {
  const given = async (...settings: readonly string[]) => {
    const operator = named(await render(...settings), 'Deployment', 'team-slipway');
    return JSON.stringify(operator.spec);
  };

  expect(await given()).toContain(`"SLIPWAY_POD_PATHS","value":"${USUAL_POD_PATHS.join(',')}"`);
  expect(await given('podPaths={None}')).toContain('"SLIPWAY_POD_PATHS","value":"None"');
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
  expect(written('admin')).toEqual(['models', 'clusterservingruntimes']);
  expect(written('approver')).toEqual(['approvals']);
  expect(written('releaser')).toEqual(['modelaliases']);
});

it('refuses a value that cannot be, with the place of it', async () => {
  await expect(render('monitoring.serviceMonitor.interval=often')).rejects.toThrow(
    /\/monitoring\/serviceMonitor\/interval/,
  );
});

describe('the gateways', () => {
  const GATEWAY = 'team-slipway-gateway';
  const LABELS = { 'app.kubernetes.io/name': 'slipway-gateway', 'app.kubernetes.io/instance': 'team' };
  const OPERATOR_LABELS = { 'app.kubernetes.io/name': 'slipway', 'app.kubernetes.io/instance': 'team' };
  const containerThat = (has: object) => ({ template: { spec: { containers: [expect.objectContaining(has)] } } });

  it('are no operators, and operators are no gateways', async () => {
    const rendered = await render();

    for (const [name, labels] of [
      [GATEWAY, LABELS],
      ['team-slipway', OPERATOR_LABELS],
    ] as const) {
      expect(named(rendered, 'Deployment', name).spec).toMatchObject({
        selector: { matchLabels: labels },
        template: { metadata: { labels } },
      });
    }
    expect(named(rendered, 'Service', GATEWAY).spec).toMatchObject({
      type: 'ClusterIP',
      selector: LABELS,
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    });
    expect(named(rendered, 'Deployment', 'team-slipway').spec).toMatchObject(
      containerThat({ env: expect.arrayContaining([{ name: 'SLIPWAY_GATEWAY_SERVICE', value: GATEWAY }]) as unknown }),
    );
  });

  it('have the time to end that they are told to take', async () => {
    const rendered = await render('gateway.drainSeconds=20', 'gateway.graceSeconds=100', 'logLevel=trace');

    expect(named(rendered, 'Deployment', GATEWAY).spec).toMatchObject({
      template: {
        spec: {
          terminationGracePeriodSeconds: 125,
          containers: [
            {
              args: expect.arrayContaining([
                '--drain-seconds=20',
                '--grace-seconds=100',
                '--log-level=debug',
              ]) as unknown,
            },
          ],
        },
      },
    });
  });

  it('have a volume for samples where they keep any, and the operator knows that they do', async () => {
    const enabled = 'gateway.sampling.enabled=true';
    const [none, own, shared] = await Promise.all([
      render(),
      render(enabled, 'gateway.sampling.sizeLimit=2Gi'),
      render(enabled, 'gateway.sampling.volume.persistentVolumeClaim.claimName=samples'),
    ]);
    const operatorKnows = { name: 'SLIPWAY_GATEWAY_SAMPLING', value: 'Enabled' };
    const operatorOf = (rendered: readonly Rendered[]) => JSON.stringify(named(rendered, 'Deployment', 'team-slipway'));

    expect(named(none, 'Deployment', GATEWAY).spec).not.toHaveProperty('template.spec.volumes');
    expect(operatorOf(none)).not.toContain('SAMPLING');
    expect(named(own, 'Deployment', GATEWAY).spec).toMatchObject({
      template: {
        spec: {
          securityContext: { fsGroup: 65532, runAsNonRoot: true },
          volumes: [{ name: 'samples', emptyDir: { sizeLimit: '2Gi' } }],
        },
      },
    });
    expect(named(own, 'Deployment', GATEWAY).spec).toMatchObject(
      containerThat({
        args: expect.arrayContaining([
          '--sampling-dir=/samples',
          '--sampling-size-limit=2Gi',
          '--sampling-retention=168h',
        ]) as unknown,
        volumeMounts: [{ name: 'samples', mountPath: '/samples' }],
      }),
    );
    expect(operatorOf(own)).toContain(JSON.stringify(operatorKnows));
    expect(named(shared, 'Deployment', GATEWAY).spec).toMatchObject({
      template: { spec: { volumes: [{ name: 'samples', persistentVolumeClaim: { claimName: 'samples' } }] } },
    });
  });

  it('take more flags, and a Service for the world', async () => {
    const rendered = await render('gateway.extraArgs={--max-connections=5}', 'gateway.service.type=LoadBalancer');

    expect(named(rendered, 'Service', GATEWAY).spec).toMatchObject({ type: 'LoadBalancer' });
    expect(named(rendered, 'Deployment', GATEWAY).spec).toMatchObject(
      containerThat({ args: expect.arrayContaining(['--max-connections=5']) as unknown }),
    );
    await expect(render('gateway.extraArgs={max-connections=5}')).rejects.toThrow('/gateway/extraArgs/0');
  });

  it('may read routes and endpoints and ask whose tokens are', async () => {
    const { rules = [] } = named(await render(), 'ClusterRole', GATEWAY);

    expect(rules.map(({ resources, verbs }) => `${resources.join()} ${verbs.join()}`)).toEqual([
      'endpointslices get,list,watch',
      'trafficroutes get,list,watch',
      'tokenreviews create',
    ]);
  });

  it('have with watchNamespaces no right in the cluster but to ask whose tokens are, and not even that', async () => {
    const own = ['watchNamespaces={a,b}', 'crds.install=false'];
    const rendered = await render(...own);
    const clusterRoles = rendered.filter(({ kind }) => kind === 'ClusterRole');

    expect(clusterRoles).toMatchObject([{ metadata: { name: GATEWAY }, rules: [{ resources: ['tokenreviews'] }] }]);
    const roles = rendered.filter(({ kind, metadata }) => kind === 'Role' && metadata.name === GATEWAY);
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
    expect(named(rendered, 'Deployment', GATEWAY).spec).toMatchObject(
      containerThat({ args: expect.arrayContaining(['--namespaces=a,b']) as unknown }),
    );
    const without = await render(...own, 'gateway.tokenReviews=false');
    expect(without.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
  });

  it('speak TLS where they are given a certificate, and ask clients for theirs where there are authorities', async () => {
    const without = await render();
    const withIt = await render('gateway.tls.secret=certificate', 'gateway.tls.clientCaSecret=authorities');

    expect(JSON.stringify(named(without, 'Deployment', GATEWAY))).not.toMatch(/tls|volumes/);
    expect(named(withIt, 'Deployment', GATEWAY).spec).toMatchObject(
      containerThat({
        args: expect.arrayContaining([
          '--tls-cert-file=/tls/server/tls.crt',
          '--tls-key-file=/tls/server/tls.key',
          '--tls-client-ca-file=/tls/clients/ca.crt',
        ]) as unknown,
        ports: expect.arrayContaining([{ name: 'https', containerPort: 8443 }]) as unknown,
      }),
    );
    expect(JSON.stringify(named(withIt, 'Deployment', GATEWAY).spec)).toContain('"secretName":"authorities"');
    expect(named(withIt, 'Service', GATEWAY).spec).toMatchObject({
      ports: [{}, { name: 'https', port: 443, targetPort: 'https' }],
    });
    expect(named(withIt, 'NetworkPolicy', GATEWAY).spec).toMatchObject({
      ingress: [{ ports: [{ port: 'http' }, { port: 'https' }] }, {}],
    });
    await expect(render('gateway.tls.clientCaSecret=authorities')).rejects.toThrow('clientCaSecret');
  });

  it('may have tokens of themselves alone, and pods with access ask for them where that is wished', async () => {
    const { rules } = named(await render(), 'Role', `${GATEWAY}-own`);
    expect(rules).toEqual([
      { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [GATEWAY], verbs: ['create'] },
    ]);
    const operator = async (...settings: readonly string[]) => {
      const rendered = await render(...settings);
      const role = named(rendered, 'ClusterRole', 'team-slipway');
      const writes = role.rules?.some(
        ({ resources, verbs }) => resources[0] === 'configmaps' && verbs.includes('patch'),
      );
      return { writes, deployment: JSON.stringify(named(rendered, 'Deployment', 'team-slipway')) };
    };

    const [without, withIt] = [await operator(), await operator('access.atPods=true')];
    expect([without.writes, withIt.writes]).toEqual([false, true]);
    expect(without.deployment).not.toContain('SLIPWAY_ACCESS_AT_PODS');
    expect(withIt.deployment).toContain('{"name":"SLIPWAY_ACCESS_AT_PODS","value":"Enabled"}');
  });

  it('know the operator by its token, which is for them alone, where they may ask whose it is', async () => {
    const rendered = await render();
    const file = '/var/run/secrets/slipway-gateways/token';

    expect(named(rendered, 'Deployment', GATEWAY).spec).toMatchObject(
      containerThat({ args: expect.arrayContaining(['--operator=ops/team-slipway']) as unknown }),
    );
    expect(named(rendered, 'Deployment', 'team-slipway').spec).toMatchObject({
      template: {
        spec: {
          serviceAccountName: 'team-slipway',
          containers: [
            {
              env: expect.arrayContaining([{ name: 'SLIPWAY_GATEWAY_TOKEN_FILE', value: file }]) as unknown,
              volumeMounts: [{ name: 'gateway-token', mountPath: dirname(file), readOnly: true }],
            },
          ],
          volumes: [
            {
              name: 'gateway-token',
              projected: { sources: [{ serviceAccountToken: { audience: OPERATOR_AUDIENCE, path: basename(file) } }] },
            },
          ],
        },
      },
    });
    const without = await render('gateway.tokenReviews=false');
    expect(JSON.stringify(named(without, 'Deployment', GATEWAY))).not.toContain('--operator');
  });

  it('let only the operator and Prometheus at the admin port', async () => {
    const policy = named(await render(), 'NetworkPolicy', GATEWAY);
    const closed = named(await render('gateway.networkPolicy.clients[0].podSelector.x=y'), 'NetworkPolicy', GATEWAY);

    expect(policy.spec).toEqual({
      podSelector: { matchLabels: LABELS },
      policyTypes: ['Ingress'],
      ingress: [
        { ports: [{ port: 'http' }] },
        {
          ports: [{ port: 'admin' }],
          from: [
            { podSelector: { matchLabels: OPERATOR_LABELS } },
            { namespaceSelector: {}, podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } },
          ],
        },
      ],
    });
    expect(closed.spec).toMatchObject({ ingress: [{ from: [{ podSelector: { x: 'y' } }] }, {}] });
    expect((await render('gateway.networkPolicy.enabled=false')).map(({ kind }) => kind)).not.toContain(
      'NetworkPolicy',
    );
  });
});
