/** Fields of a Pod that several kinds have, in Kubernetes' own words. */
import { z } from 'zod';
import { listMap, matching, objectName, reference, withRules } from './common.ts';

/** Variables that begin so are ours: what a container finds in them is a promise. */
const OURS = 'SLIPWAY_';

const variableName = matching(
  /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  255,
  'must be the name of a variable: letters, digits, "_", "." and "-", not beginning with a digit',
);

const keyOf = (what: string) =>
  z
    .strictObject({
      name: objectName.describe(`Name of the ${what}.`),
      key: z.string().min(1).max(253).describe(`Which of its entries.`),
    })
    .optional()
    .describe(`An entry of a ${what}. A change of it reaches pods that start afterwards, and makes no revision.`);

const variable = withRules(
  z.strictObject({
    name: variableName.describe('Name of the variable.'),
    value: z
      .string()
      .max(8192)
      .optional()
      .describe('Its value; $(NAME) stands for a variable that is set before it, $$ for a dollar.'),
    valueFrom: withRules(z.strictObject({ secretKeyRef: keyOf('Secret'), configMapKeyRef: keyOf('ConfigMap') }), [
      {
        rule: 'has(self.secretKeyRef) != has(self.configMapKeyRef)',
        message: 'give exactly one of secretKeyRef and configMapKeyRef',
      },
    ])
      .optional()
      .describe('Where its value is.'),
  }),
  [
    { rule: 'has(self.value) != has(self.valueFrom)', message: 'give exactly one of value and valueFrom' },
    {
      rule: `!self.name.startsWith('${OURS}')`,
      message: `names that begin with ${OURS} are set by Slipway; take another name`,
    },
  ],
);

export const environment = listMap(variable, 64, ['name']).optional();

export const imagePullSecrets = z.array(reference('A Secret with credentials of a registry.')).max(8).optional();

const words = z.array(z.string().max(4096)).max(64);

export const command = words
  .min(1)
  .optional()
  .describe('What the container runs. Without it: what the image says. $(NAME) stands for a variable.');

/** @param variables Those that Slipway sets. */
export function commandArguments(variables: readonly string[]): z.ZodOptional<typeof words> {
  const ours = variables.map((name) => `$(${name})`).join(', ');
  return words
    .optional()
    .describe(`Its arguments. $(NAME) stands for a variable of env, or for one that Slipway sets: ${ours}.`);
}

const labelKey = z.string().max(317);

const metadata = withRules(
  z.strictObject({
    labels: z.record(labelKey, z.string().max(63)).optional().describe('More labels of the pods.'),
    annotations: z.record(labelKey, z.string().max(8192)).optional().describe('More annotations of the pods.'),
  }),
  [
    {
      rule: "!has(self.labels) || !self.labels.exists(k, k.startsWith('slipway.dev/') || k in ['app.kubernetes.io/managed-by', 'app.kubernetes.io/instance'])",
      message:
        'labels that begin with slipway.dev/, app.kubernetes.io/managed-by and app.kubernetes.io/instance are set by Slipway; take others',
    },
    {
      rule: "!has(self.annotations) || !self.annotations.exists(k, k.startsWith('slipway.dev/'))",
      message: 'annotations that begin with slipway.dev/ are set by Slipway; take others',
    },
  ],
);

/** Typed as what may come through, since nothing in it can be trusted to be so. */
const anyFields = z.record(z.string(), z.unknown()) as unknown as z.ZodType<Record<string, object | string>>;

/** The operator looks into `spec`, so that a condition can name a path that is not allowed, and what is. */
export const podOverlay = z.strictObject({
  metadata: metadata.optional().describe('Labels and annotations.'),
  spec: anyFields
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })
    .optional()
    .describe(
      'Of a PodSpec: tolerations, nodeSelector, affinity, priorityClassName, volumes, and volumeMounts of the container `server`.',
    ),
});
