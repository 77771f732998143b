/** What runs before and after a model in its pod. They are native sidecars: there before the first request, and until the server has answered its last. */
import type { ModelStep } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { quantities } from '../../jobs/build-batch-job.ts';
import { RESTRICTED_CONTAINER } from '../../jobs/pod-security.ts';
import type { Container } from '../../jobs/pod-security.ts';
import { modelFolder } from './pod-input.ts';
import type { RevisionInput } from './pod-input.ts';

const NAMES = ['before', 'after'] as const;
type StepName = (typeof NAMES)[number];

type Facts = Pick<RevisionInput, 'facts'>;

/** As long as model servers of other people have that do not say. */
const STARTUP_SECONDS = 600;

function stepsOf({ facts: { serve = {} } }: Facts): readonly (readonly [StepName, DeepReadonly<ModelStep>])[] {
  return NAMES.flatMap((name) => {
    const step = serve[name];
    return step === undefined ? [] : [[name, step] as const];
  });
}

/** @param models Where the folder of models is mounted. */
export function stepContainers(input: RevisionInput, models: string): Container[] {
  return stepsOf(input).map(([name, step]) => {
    const { port } = step;
    const ready = { httpGet: { path: '/v2/health/ready', port, scheme: 'HTTP' }, timeoutSeconds: 2 };
    return {
      name,
      image: step.image,
      restartPolicy: 'Always',
      ...(step.command === undefined ? {} : { command: [...step.command] }),
      ...(step.args === undefined ? {} : { args: [...step.args] }),
      env: [
        { name: 'SLIPWAY_MODEL_NAME', value: input.service },
        { name: 'SLIPWAY_MODEL_VERSION', value: String(input.facts.number) },
        { name: 'SLIPWAY_MODEL_DIR', value: `${models}/${modelFolder(input)}` },
        { name: 'SLIPWAY_HTTP_PORT', value: String(port) },
        ...structuredClone((step.env ?? []) as NonNullable<Container['env']>),
      ],
      ports: [{ name, containerPort: port, protocol: 'TCP' }],
      resources: quantities(step.resources ?? {}),
      securityContext: RESTRICTED_CONTAINER,
      terminationMessagePolicy: 'FallbackToLogsOnError',
      volumeMounts: [
        { name: 'models', mountPath: models, readOnly: true },
        { name: scratch(name), mountPath: '/tmp' },
      ],
      startupProbe: { ...ready, periodSeconds: 1, failureThreshold: STARTUP_SECONDS },
      readinessProbe: { ...ready, periodSeconds: 1, failureThreshold: 3 },
    };
  });
}

/** None of them reads what another one writes. */
export function stepVolumes(facts: Facts): { readonly name: string; readonly emptyDir: object }[] {
  return stepsOf(facts).map(([name]) => ({ name: scratch(name), emptyDir: {} }));
}

function scratch(name: StepName): string {
  return `tmp-${name}`;
}

export function stepPullSecrets(facts: Facts): string[] {
  const names = stepsOf(facts).flatMap(([, { imagePullSecrets = [] }]) => imagePullSecrets.map(({ name }) => name));
  return [...new Set(names)];
}

/** What the model server is told of them; nothing where there are none. */
export function stepSettings(facts: Facts): { readonly steps?: Readonly<Record<string, { readonly url: string }>> } {
  const steps = stepsOf(facts).map(([name, { port }]) => [name, { url: `http://127.0.0.1:${port}` }] as const);
  return steps.length === 0 ? {} : { steps: Object.fromEntries(steps) };
}
