import { EXIT_BAD_INPUT } from '@slipway/crds/batch';
import type { BATCH_COMMANDS, BatchCommand } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { z } from 'zod';
import type { WorkloadConfig } from '../deps.ts';
import { ownedLabels } from '../labels.ts';
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from './pod-security.ts';
import type { Container } from './pod-security.ts';
import { storeMounts } from './store-mount.ts';
import type { StoreUse } from './store-mount.ts';

/** The container whose termination message is the result of the Job. */
export const BATCH_CONTAINER = 'batch';

export interface Resources {
  readonly requests?: Readonly<Record<string, string | number>> | undefined;
  readonly limits?: Readonly<Record<string, string | number>> | undefined;
}

export type BatchRequest<C extends BatchCommand> = z.input<(typeof BATCH_COMMANDS)[C]['request']>;

export interface BatchContainerInput<C extends BatchCommand> {
  readonly command: C;
  /** Goes to the container as JSON in SLIPWAY_REQUEST. */
  readonly request: DeepReadonly<BatchRequest<C>>;
  readonly stores: readonly StoreUse[];
  readonly config: Pick<WorkloadConfig, 'batchRuntimeImage' | 'imagePullPolicy'>;
  readonly resources?: DeepReadonly<Resources> | undefined;
}

export interface BatchJobInput<C extends BatchCommand> extends BatchContainerInput<C> {
  readonly owner: { readonly kind: string; readonly name: string; readonly namespace: string };
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const DEFAULT_RESOURCES = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '2Gi' } } as const;

/**
 * A Job of one pod that runs one command of batch-runtime. Bad input (exit code 3) fails it at once; anything else is
 * tried up to 3 times more; a pod that a drained node took does not count. Its template can never change afterwards, so a
 * Job that exists is not applied again (`plan` renders it only while there is none of that name).
 */
export function buildBatchJob<C extends BatchCommand>(input: BatchJobInput<C>): Job {
  const labels = { ...input.labels, ...ownedLabels(input.owner) };
  const { volumes, mounts } = storeMounts(input.stores);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: input.name,
      namespace: input.owner.namespace,
      labels,
      ...(input.annotations === undefined ? {} : { annotations: { ...input.annotations } }),
    },
    spec: {
      backoffLimit: 3,
      podFailurePolicy: {
        rules: [
          {
            action: 'FailJob',
            onExitCodes: { containerName: BATCH_CONTAINER, operator: 'In', values: [EXIT_BAD_INPUT] },
          },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: RESTRICTED_POD,
          containers: [{ ...batchContainer(input, BATCH_CONTAINER), volumeMounts: [...mounts, TMP_MOUNT] }],
          volumes: [...volumes, TMP_VOLUME],
        },
      },
    },
  };
}

export const TMP_VOLUME = { name: 'tmp', emptyDir: {} };
export const TMP_MOUNT = { name: 'tmp', mountPath: '/tmp' };

/** One container of batch-runtime without volumes, for Jobs, and for `fetch` and `collect` in other pods. */
export function batchContainer<C extends BatchCommand>(
  input: Omit<BatchContainerInput<C>, 'stores'>,
  name: string,
): Container {
  const { config, resources = DEFAULT_RESOURCES } = input;
  return {
    name,
    image: config.batchRuntimeImage,
    imagePullPolicy: config.imagePullPolicy,
    args: [input.command, '--result-file', '/dev/termination-log'],
    env: [{ name: 'SLIPWAY_REQUEST', value: JSON.stringify(input.request) }],
    resources: quantities(resources),
    securityContext: RESTRICTED_CONTAINER,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** Resources as Kubernetes has them: a bare number of the YAML becomes text. */
export function quantities(resources: DeepReadonly<Resources>): NonNullable<Container['resources']> {
  const { requests, limits } = resources;
  return {
    ...(requests === undefined ? {} : { requests: texts(requests) }),
    ...(limits === undefined ? {} : { limits: texts(limits) }),
  };
}

function texts(amounts: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
}
