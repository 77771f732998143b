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
    certificate: z
      .strictObject({
        name: matching(
          /^[^\s,"]+$/,
          2048,
          'must be a DNS name or a URI, such as spiffe://example.org/web/checkout, without blanks, commas and quotes',
        ).describe('A DNS name or URI among its alternative names, all of it: no wildcards.'),
      })
      .optional()
      .describe(
        "Who shows a certificate with this name, of the authority that the gateways' TLS port trusts for clients.",
      ),
    anyone: z
      .strictObject({})
      .optional()
      .describe(
        'Whoever reaches the gateways; nobody is asked who he is. For installs whose default is the own namespace.',
      ),
  }),
  [
    {
      rule: '[has(self.serviceAccount), has(self.namespace), has(self.certificate), has(self.anyone)].exists_one(given, given)',
      message: 'give exactly one of serviceAccount, namespace, certificate and anyone',
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
      'Whoever is in this list. Requests carry `Authorization: Bearer` with a token of a service account, for the audience `slipway`; or come over TLS with a certificate of the client.',
    ),
});
