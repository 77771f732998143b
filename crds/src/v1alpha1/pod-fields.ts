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
