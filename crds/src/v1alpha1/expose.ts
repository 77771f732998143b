import { z } from 'zod';
import { matching, objectName, withRules } from './common.ts';

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

const host = withRules(
  matching(
    new RegExp(`^${LABEL}(\\.${LABEL})*\\.[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`),
    253,
    'must be a DNS name in small letters with at least one dot, such as flights.ml.example.org, without a port and without "*"',
  ),
  [
    {
      rule: "!self.matches(r'(^|\\.)(svc|localhost|cluster\\.local)$') && !self.matches(r'^[^.]+\\.[^.]+\\.svc\\.')",
      message:
        'must not be a name that services have by themselves (….svc, ….svc.cluster.local, ….localhost): each answers under its own',
    },
  ],
).describe('A host name, such as flights.ml.example.org.');

const hosts = z.array(host).min(1).max(16).meta({ 'x-kubernetes-list-type': 'set' });

const gateway = z
  .strictObject({
    name: objectName.describe('Its name.'),
    namespace: objectName
      .optional()
      .describe(
        'Where it is. Default: the namespace of the service. The Gateway itself says from which namespaces it takes routes (`allowedRoutes`).',
      ),
    sectionName: matching(
      new RegExp(`^${LABEL}(\\.${LABEL})*$`),
      253,
      'must be the name of a listener: a-z, 0-9, "-" and ".", beginning and ending with a letter or digit',
    )
      .optional()
      .describe('One of its listeners. Default: all that take the hosts.'),
  })
  .describe('The Gateway of the Gateway API that answers.');

export const expose = withRules(
  z.strictObject({
    hosts: hosts
      .optional()
      .describe(
        'Host names under which the service is reached, too. Whoever owns the domain leads them to what answers. Of those that several services name for the gateways, each belongs to the oldest.',
      ),
    grpcHosts: hosts
      .optional()
      .describe(
        'Host names for gRPC alone, with by: GatewayApi: the operator writes a GRPCRoute for them. The gateways take gRPC under each of hosts.',
      ),
    by: z
      .enum(['Gateways', 'GatewayApi'])
      .default('Gateways')
      .describe(
        "Who answers under the hosts: Slipway's gateways, or a Gateway of the Gateway API, by routes that the operator writes.",
      ),
    gateway: gateway.optional(),
  }),
  [
    {
      rule: "(self.by == 'GatewayApi') == has(self.gateway)",
      message: 'give gateway, the Gateway that shall answer, with by: GatewayApi and only with that',
    },
    {
      rule: 'has(self.hosts) || has(self.grpcHosts)',
      message: 'name at least one host, in hosts, or in grpcHosts where a Gateway shall take gRPC alone under it',
    },
    {
      rule: "!has(self.grpcHosts) || self.by == 'GatewayApi'",
      message:
        "grpcHosts are only for by: GatewayApi: Slipway's gateways take gRPC under every host, so name it in hosts instead",
    },
    {
      rule: '!has(self.hosts) || !has(self.grpcHosts) || self.grpcHosts.all(host, !(host in self.hosts))',
      message:
        'name each host in hosts or in grpcHosts, not in both: a Gateway takes either HTTPRoutes or GRPCRoutes for a host',
    },
  ],
).describe('How the service is reached from outside of the cluster.');

/** What only our own gateways do. */
export const ONLY_BY_OUR_GATEWAYS = [
  {
    rule: "!has(self.access) || !has(self.expose) || self.expose.by != 'GatewayApi'",
    message:
      "access is checked by Slipway's gateways alone: anybody could ask under the hosts of expose.by: GatewayApi; leave one of the two out",
  },
  {
    rule: "!has(self.sampling) || !has(self.expose) || self.expose.by != 'GatewayApi'",
    message:
      "sampling is done by Slipway's gateways alone: nothing that is asked under the hosts of expose.by: GatewayApi would be written; leave one of the two out",
  },
  {
    rule: "!has(self.scaling.target) || !has(self.expose) || self.expose.by != 'GatewayApi'",
    message:
      "scaling.target needs Slipway's gateways, which count requests and let them wait: with expose.by: GatewayApi set scaling.replicas instead",
  },
];
