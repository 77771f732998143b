import { z } from 'zod';
import { matching, withRules } from './common.ts';

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

export const expose = z
  .strictObject({
    hosts: z
      .array(host)
      .min(1)
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'Host names under which the gateways answer for this service, too. Whoever owns the domain leads them to the gateways. One that several services name belongs to the oldest.',
      ),
  })
  .describe('How the service is reached from outside of the cluster.');
