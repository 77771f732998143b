import { z } from 'zod';
import { quantity, withRules } from './common.ts';

const percent = z
  .number()
  .int()
  .min(1)
  .max(100)
  .describe(
    'Share of the requests for predictions, in percent. Which follows from their ids, so that all gateways, and whoever asks later, choose the same.',
  );

const maxPerMinute = z
  .number()
  .int()
  .min(1)
  .max(60_000)
  .default(600)
  .describe('No more than so many at each gateway, evenly over the minute, however many are asked.');

const MAX_SAMPLED_BYTES = 256 * 1024;

/** Which requests the gateways write into files, with their answers. */
export const sampling = withRules(
  z.strictObject({
    percent,
    maxPerMinute,
    maxBytes: quantity
      .default('64Ki')
      .describe(
        'Kept of the body of a request, and as much of its answer; what is longer is cut off. From 0, which keeps no bodies, to 256Ki.',
      ),
  }),
  [
    {
      rule: "isQuantity(string(self.maxBytes)) && quantity(string(self.maxBytes)).compareTo(quantity('0')) >= 0 && quantity(string(self.maxBytes)).compareTo(quantity('256Ki')) <= 0",
      message: 'maxBytes must be a quantity from 0 to 256Ki, such as 64Ki',
    },
  ],
);

/** As the gateways get it. */
export const routeSampling = z.strictObject({
  percent,
  maxPerMinute,
  maxBytes: z.number().int().min(0).max(MAX_SAMPLED_BYTES).describe('Kept of a body.'),
});
