import { z } from 'zod';
import { matching } from './common.ts';
import type { Rule } from './common.ts';

/** Which value of a request decides who answers it. */
export const stickyFields = {
  header: matching(
    /^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$/,
    128,
    'must be the name of a header (of metadata for gRPC) in small letters, such as x-entity-id',
  )
    .optional()
    .describe('Header, or metadata for gRPC, whose value decides.'),
  bodyField: matching(
    /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
    256,
    'must be a path into the JSON of the request, names with dots between them, such as parameters.user_id',
  )
    .optional()
    .describe(
      'Field of a JSON body whose value decides, as a path: `parameters.user_id`. gRPC: one of the parameters.',
    ),
  tensor: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Input whose first element decides, of an inference by the Open Inference Protocol over REST or gRPC.'),
};

export const ONE_STICKY_FIELD: Rule = {
  rule: '[has(self.header), has(self.bodyField), has(self.tensor)].exists_one(given, given)',
  message: 'give exactly one of header, bodyField and tensor',
};
