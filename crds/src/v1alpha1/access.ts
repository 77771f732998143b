import { z } from 'zod';
import { matching, objectName, withRules } from './common.ts';

/** Of a service account: unlike most names it may have dots. */
const serviceAccountName = matching(
  /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/,
  253,
  'must be the name of a service account: a-z, 0-9, "-" and ".", beginning and ending with a letter or digit',
);

const caller = withRules(
  z.strictObject({
    serviceAccount: z
      .strictObject({
        namespace: objectName.describe('Its namespace.'),
        name: serviceAccountName.describe('Its name.'),
      })
      .optional()
      .describe('This service account.'),
    namespace: z
      .strictObject({ name: objectName.describe('Name of the namespace.') })
      .optional()
      .describe('Every service account of this namespace.'),
  }),
  [
    {
      rule: 'has(self.serviceAccount) != has(self.namespace)',
      message: 'give exactly one of serviceAccount and namespace',
    },
  ],
);

/** Who may send requests to a service. */
export const access = z.strictObject({
  from: z
    .array(caller)
    .min(1)
    .max(64)
    .describe(
      'Whoever is in this list. Requests carry `Authorization: Bearer` with a token of a service account, for the audience `slipway`.',
    ),
});
