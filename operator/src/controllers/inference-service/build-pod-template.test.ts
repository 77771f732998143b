import type { ModelSteps, ServingRuntimeSpec } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { shortHash } from '../../names.ts';
import { aModelVersion, anInferenceService, aServingRuntime, aStore, WORKLOADS } from '../../testing/fixtures.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { resolveFacts } from './revision.ts';

function template(runtime?: ServingRuntimeSpec, service = anInferenceService()) {
  const facts = resolveFacts(service, aModelVersion(), aStore());
  return buildPodTemplate({ service: 'flights', revision: 'flights-8b279776', facts, config: WORKLOADS, runtime });
}
const server = (runtime?: ServingRuntimeSpec, service = anInferenceService()) =>
  template(runtime, service).spec?.containers[0];
const withSteps = (serve: ModelSteps) => {
  const facts = resolveFacts(anInferenceService(), aModelVersion('delay-1', {}, { serve }), aStore());
  return buildPodTemplate({ service: 'flights', revision: 'flights-1', facts, config: WORKLOADS });
};
const mlserver = (spec: Partial<ServingRuntimeSpec> = {}) => aServingRuntime('mlserver', spec).spec;
const valueOf = (name: string, container = server(mlserver())) =>
  container?.env?.find((variable) => variable.name === name)?.value;

describe('buildPodTemplate', () => {
  it('makes the pods of our own server as it always has', () => {
    expect(shortHash(template(), 16)).toBe('26ddccbbdc2cb45b');
  });

  it('has those of a service with access ask who comes, where that is wished', () => {
    const facts = { ...resolveFacts(anInferenceService(), aModelVersion(), aStore()), callers: 'Gateways' as const };
    const input = { service: 'flights', revision: 'flights-8b279776', facts, config: WORKLOADS };
    const { spec } = buildPodTemplate(input);

    expect(spec?.containers[0]?.args).toContain('--gateways-file=/var/run/slipway/gateways/gateways.json');
    expect(spec?.containers[0]?.volumeMounts).toContainEqual({
      name: 'slipway-gateways',
      mountPath: '/var/run/slipway/gateways',
      readOnly: true,
    });
    expect(spec?.volumes).toContainEqual({ name: 'slipway-gateways', configMap: { name: 'flights-gateways' } });
    expect(buildPodTemplate({ ...input, runtime: mlserver() }).spec?.containers[0]?.args ?? []).not.toContain(
      '--gateways-file',
    );
  });

  it('tells a foreign server by variables what it has to know, before its own', () => {
    const env = [{ name: 'MLSERVER_MODEL_URI', value: '$(SLIPWAY_MODEL_DIR)/model.bst' }];
    const ports = { http: 8080, grpc: 8081, metrics: 8082 };
    expect(server(mlserver({ env, ports }))?.env).toEqual([
      { name: 'SLIPWAY_MODEL_NAME', value: 'flights' },
      { name: 'SLIPWAY_MODEL_VERSION', value: '1' },
      { name: 'SLIPWAY_MODEL_DIR', value: '/models/flights/1' },
      { name: 'SLIPWAY_MODEL_REPOSITORY', value: '/models' },
      { name: 'SLIPWAY_HTTP_PORT', value: '8080' },
      { name: 'SLIPWAY_GRPC_PORT', value: '8081' },
      { name: 'SLIPWAY_METRICS_PORT', value: '8082' },
      ...env,
    ]);
  });

  it('puts the model where the runtime wants it', () => {
    const repository = mlserver({ model: { mountPath: '/mnt/models', layout: 'Repository' } });
    const folder = mlserver({ model: { mountPath: '/mnt/models', layout: 'Folder' } });
    const mounted = (runtime: ServingRuntimeSpec) => server(runtime)?.volumeMounts?.[0];
    expect(mounted(repository)).toEqual({ name: 'models', mountPath: '/mnt/models', readOnly: true });
    expect(valueOf('SLIPWAY_MODEL_DIR', server(repository))).toBe('/mnt/models/flights/1');
    expect(mounted(folder)).toMatchObject({ mountPath: '/mnt/models', subPath: 'flights/1' });
    expect(valueOf('SLIPWAY_MODEL_DIR', server(folder))).toBe('/mnt/models');
  });

  it('asks it where it says, for as long as it says', () => {
    const probes = { ready: '/ready', live: '/health', startup: '1m' };
    const container = server(mlserver({ probes, ports: { http: 7000 } }));
    expect(container).toMatchObject({
      ports: [{ name: 'http', containerPort: 7000 }],
      startupProbe: { httpGet: { path: '/health', port: 7000 }, periodSeconds: 2, failureThreshold: 30 },
      readinessProbe: { httpGet: { path: '/ready', port: 7000 } },
      livenessProbe: { httpGet: { path: '/health', port: 7000 } },
    });
    expect(valueOf('SLIPWAY_GRPC_PORT', container)).toBeUndefined();
  });

  it('gives it the resources of the service, else those of the runtime', () => {
    const runtime = mlserver({ resources: { limits: { 'nvidia.com/gpu': 1 } } });
    const service = anInferenceService({ resources: { requests: { cpu: 2 } } });
    expect(server(runtime)?.resources).toEqual({ limits: { 'nvidia.com/gpu': '1' } });
    expect(server(runtime, service)?.resources).toEqual({ requests: { cpu: '2' } });
  });

  it('runs our containers as our user and those of others as they are, or as the runtime says', () => {
    const { spec } = template(mlserver());
    expect(spec?.securityContext).not.toHaveProperty('runAsUser');
    expect(spec?.initContainers?.[0]?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
    expect(server(mlserver())?.securityContext).not.toHaveProperty('runAsUser');
    expect(server(mlserver({ runAsUser: 1000 }))?.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
    });
  });

  it.each([undefined, mlserver({ env: [{ name: 'A', value: 'runtime' }], imagePullSecrets: [{ name: 'x' }] })])(
    'gives any server what the service says of its pods',
    (runtime) => {
      const service = anInferenceService({
        env: [
          { name: 'A', value: 'service' },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'hub', key: 'token' } } },
        ],
        imagePullSecrets: [{ name: 'x' }],
        serviceAccountName: 'flights',
        pod: {
          metadata: { labels: { team: 'fares' }, annotations: { note: 'a' } },
          spec: {
            nodeSelector: { disk: 'fast' },
            volumes: [{ name: 'shm', emptyDir: { medium: 'Memory' } }],
            containers: [{ name: 'server', volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }] }],
          },
        },
      });
      const { metadata, spec } = template(runtime, service);
      expect(metadata).toMatchObject({
        labels: { team: 'fares', 'slipway.dev/revision': 'flights-8b279776' },
        annotations: { note: 'a' },
      });
      expect(spec).toMatchObject({
        serviceAccountName: 'flights',
        imagePullSecrets: [{ name: 'x' }],
        nodeSelector: { disk: 'fast' },
        volumes: [{ name: 'models' }, { name: 'tmp' }, { name: 'store' }, { name: 'shm' }],
      });
      expect(spec).not.toHaveProperty('automountServiceAccountToken');
      expect(spec?.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual([
        '/models',
        '/tmp',
        '/dev/shm',
      ]);
      expect(spec?.initContainers?.[0]?.volumeMounts?.some(({ name }) => name === 'shm')).toBe(false);
      expect(spec?.containers[0]?.env?.filter(({ name }) => !name.startsWith('SLIPWAY_'))).toEqual(service.spec.env);
    },
  );

  it('has the steps of the version beside our server, and tells it where they are', () => {
    const pull = [{ name: 'registry' }];
    const before = {
      image: 'acme/tokenizer@sha256:1',
      command: ['python'],
      args: ['serve.py', '--port=$(SLIPWAY_HTTP_PORT)'],
      env: [{ name: 'LANGUAGE', value: 'de' }],
      resources: { requests: { cpu: 1 } },
      imagePullSecrets: pull,
      port: 9001,
    };
    const { spec } = withSteps({ before, after: { image: 'acme/words', imagePullSecrets: pull, port: 7000 } });
    const [fetch, first, last] = spec?.initContainers ?? [];
    const probe = { httpGet: { path: '/v2/health/ready', port: 9001 } };
    expect(fetch?.name).toBe('fetch');
    expect(first).toMatchObject({
      name: 'before',
      image: before.image,
      restartPolicy: 'Always',
      command: before.command,
      args: before.args,
      env: [
        { name: 'SLIPWAY_MODEL_NAME', value: 'flights' },
        { name: 'SLIPWAY_MODEL_VERSION', value: '1' },
        { name: 'SLIPWAY_MODEL_DIR', value: '/models/flights/1' },
        { name: 'SLIPWAY_HTTP_PORT', value: '9001' },
        ...before.env,
      ],
      resources: { requests: { cpu: '1' } },
      securityContext: { readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
      volumeMounts: [
        { name: 'models', mountPath: '/models', readOnly: true },
        { name: 'tmp-before', mountPath: '/tmp' },
      ],
      startupProbe: probe,
      readinessProbe: probe,
    });
    expect(last).toMatchObject({ name: 'after', ports: [{ containerPort: 7000 }] });
    expect(spec?.imagePullSecrets).toEqual(pull);
    expect(spec?.volumes?.map(({ name }) => name)).toEqual(['models', 'tmp', 'tmp-before', 'tmp-after', 'store']);
    const settings = JSON.parse(spec?.containers[0]?.args?.at(-1)?.replace('--settings=', '') ?? '') as object;
    expect(settings).toEqual({
      instances: 1,
      steps: { before: { url: 'http://127.0.0.1:9001' }, after: { url: 'http://127.0.0.1:7000' } },
    });
  });

  it('keeps the Store from it', () => {
    const { spec } = template(mlserver());
    expect(spec?.containers[0]?.volumeMounts?.map(({ name }) => name)).toEqual(['models', 'tmp']);
  });
});
