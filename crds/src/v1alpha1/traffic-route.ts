import { z } from 'zod';
import { access } from './access.ts';
import { AGE_COLUMN, duration, matching, objectName, PARENT_NAME_RULE, reference, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { routeSampling } from './sampling.ts';
import { ONE_STICKY_FIELD, stickyFields } from './sticky.ts';

const revision = objectName.describe('Name of the revision, as metrics and answers say it.');

const port = (description: string) => z.number().int().min(1).max(65_535).describe(description);

const backend = z.strictObject({
  revision,
  modelVersion: objectName.optional().describe('The ModelVersion that it serves, as samples of requests say it.'),
  weight: z
    .number()
    .int()
    .min(0)
    .max(100)
    .describe('Share of the traffic in percent. At 0 it gets none but what is mirrored to it.'),
  endpoints: z
    .strictObject({
      service: reference('The Service whose EndpointSlices list the pods.'),
      httpPort: port('Port of the pods for HTTP/1.1 and WebSocket.'),
      grpcPort: port(
        'Port of the pods for gRPC, in the clear (h2c). Without it calls are answered UNIMPLEMENTED.',
      ).optional(),
      callers: z
        .enum(['Gateways'])
        .optional()
        .describe(
          'Whom the pods take requests from: Gateways, which send a token that was made for this service. Without it: whoever reaches them.',
        ),
    })
    .describe('Where its pods are. One without ready pods is stood in for by `stable`.'),
});

const hostName = matching(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/,
  253,
  'must be a DNS name in small letters with at least one dot, such as flights.ml.example.org, without a port',
);

const sticky = withRules(
  z.strictObject({
    ...stickyFields,
    salt: z
      .string()
      .min(1)
      .max(128)
      .describe('Two splits with different salts divide the same entities independently of each other.'),
  }),
  [ONE_STICKY_FIELD],
);

const hold = withRules(
  z.strictObject({
    requests: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('How many may wait at each gateway; more are refused at once.'),
    timeout: duration
      .default('60s')
      .describe(
        'How long after it came a request is refused that no pod could take. A shorter grpc-timeout counts first.',
      ),
  }),
  [
    {
      rule: "duration(self.timeout) >= duration('1s') && duration(self.timeout) <= duration('1h')",
      message: 'timeout must be from 1s to 1h',
    },
  ],
).describe(
  'Requests that no pod can take wait: none is ready, or can be reached, or has room. Without it they are refused at once, with 503 or UNAVAILABLE.',
);

/** How the API server refuses a write that is not newer than what is there; the operator knows the refusal by it. */
export const SEQUENCE_MUST_RISE = 'sequence must rise with each change; this write is older than what is there';

export const TrafficRouteSpec = withRules(
  z.strictObject({
    sequence: z
      .number()
      .int()
      .min(1)
      .describe('Rises with each change, so that what a dead leader still had on its way is refused.'),
    hosts: z
      .array(hostName)
      .max(16)
      .default([])
      .describe('Host names beside <name>.<namespace>.svc. One that several routes claim belongs to the oldest.'),
    // Lists of one owner, which replaces them whole: what somebody else adds to one does not stay.
    backends: z.array(backend).min(1).max(8).describe('The revisions; their weights are 100 together.'),
    stable: objectName.describe('The revision that gets the traffic of those that have no ready pods.'),
    sticky: sticky
      .optional()
      .describe('Which value of a request decides who answers it. Without it, or where the value is missing: chance.'),
    mirrors: z
      .array(
        z.strictObject({
          revision,
          percent: z.number().int().min(1).max(100).describe('Share of the requests that are copied, in percent.'),
        }),
      )
      .max(4)
      .default([])
      .describe('Who gets copies of requests. What they answer is thrown away.'),
    access: access.optional().describe('Who may send requests. Without it: whoever reaches the gateways.'),
    sampling: routeSampling
      .optional()
      .describe('Which requests are written into files. Without it: none; so, too, where the gateways have no folder.'),
    limits: z
      .strictObject({
        timeout: duration
          .default('60s')
          .describe(
            'From the end of a request to the beginning of its answer, without the time that it waited for a pod; then 504, or DEADLINE_EXCEEDED.',
          ),
        hold: hold.optional(),
      })
      .default({ timeout: '60s' })
      .describe('What a request may cost.'),
  }),
  [
    {
      rule: 'self.backends.all(b, self.backends.exists_one(other, other.revision == b.revision))',
      message: 'two backends must not be the same revision',
    },
    {
      rule: 'self.mirrors.all(m, self.mirrors.exists_one(other, other.revision == m.revision))',
      message: 'two mirrors must not be the same revision',
    },
    {
      rule: 'self.backends.map(b, b.weight).sum() == 100',
      message: 'the weights of the backends must be 100 together',
    },
    {
      rule: 'self.backends.exists(b, b.revision == self.stable)',
      message: 'stable must be the revision of one of the backends',
    },
    {
      rule: 'self.mirrors.all(m, self.backends.exists(b, b.revision == m.revision))',
      message: 'a mirror must be the revision of one of the backends, which may have weight 0',
    },
    {
      rule: 'self == oldSelf || self.sequence > oldSelf.sequence',
      message: SEQUENCE_MUST_RISE,
    },
  ],
);
export type TrafficRouteSpec = z.infer<typeof TrafficRouteSpec>;
export type TrafficRoute = CustomObject<'TrafficRoute', TrafficRouteSpec, never>;

export const trafficRouteDefinition: KindDefinition = {
  kind: 'TrafficRoute',
  plural: 'trafficroutes',
  singular: 'trafficroute',
  shortName: 'sltr',
  description:
    'Internal: what the gateways do with the requests of an InferenceService. Written by the operator alone; each gateway tells on its admin port which sequence it applies.',
  spec: TrafficRouteSpec,
  status: undefined,
  rules: [PARENT_NAME_RULE],
  columns: [
    { name: 'Sequence', type: 'integer', jsonPath: '.spec.sequence' },
    { name: 'Stable', type: 'string', jsonPath: '.spec.stable' },
    { name: 'Weights', type: 'string', jsonPath: '.spec.backends[*].weight' },
    AGE_COLUMN,
  ],
};
