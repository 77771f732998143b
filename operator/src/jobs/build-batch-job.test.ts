import { VerifyModelRequest } from '@slipway/crds/batch';
import { describe, expect, it } from 'vitest';
import { aStore, DIGEST, WORKLOADS } from '../testing/fixtures.ts';
import { buildBatchJob } from './build-batch-job.ts';

const job = buildBatchJob({
  owner: { kind: 'ModelVersion', name: 'delay-1', namespace: 'team' },
  name: 'delay-1-verify-123456',
  command: 'verify-model',
  request: { dir: '/stores/default/team/models/a', digest: DIGEST, format: 'Onnx' },
  stores: [{ store: aStore(), access: 'read' }],
  config: WORKLOADS,
  resources: { requests: { cpu: 1 }, limits: { memory: '1Gi' } },
  labels: { 'slipway.dev/step': 'verify' },
});
const pod = job.spec?.template.spec;

describe('buildBatchJob', () => {
  it('labels the Job and its pods with their owner', () => {
    const labels = {
      'app.kubernetes.io/managed-by': 'slipway',
      'app.kubernetes.io/instance': 'delay-1',
      'slipway.dev/modelversion': 'delay-1',
      'slipway.dev/step': 'verify',
    };
    expect(job.metadata.labels).toEqual(labels);
    expect(job.spec?.template.metadata?.labels).toEqual(labels);
  });

  it('hands over a request that batch-runtime understands', () => {
    const [container] = pod?.containers ?? [];
    expect(container?.args).toEqual(['verify-model', '--result-file', '/dev/termination-log']);
    const request = container?.env?.find(({ name }) => name === 'SLIPWAY_REQUEST')?.value ?? '';
    expect(VerifyModelRequest.parse(JSON.parse(request))).toMatchObject({ digest: DIGEST });
  });

  it('never tries bad input again, and does not count what the cluster did', () => {
    expect(job.spec).toMatchObject({ backoffLimit: 3, template: { spec: { restartPolicy: 'Never' } } });
    expect(job.spec?.podFailurePolicy?.rules).toEqual([
      { action: 'FailJob', onExitCodes: { containerName: 'batch', operator: 'In', values: [3] } },
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ]);
  });

  it('passes the restricted Pod Security level and holds no token', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(pod?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('writes quantities as text', () => {
    expect(pod?.containers[0]?.resources).toEqual({ requests: { cpu: '1' }, limits: { memory: '1Gi' } });
  });
});
