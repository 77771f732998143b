/** Two services name one host: the older has it, the younger says so, and gets it once the older goes. */
import type { Json } from '../driver/api.ts';
import type { Moment } from '../driver/moments.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyModelVersion, applyStore } from './serve.ts';

/** In each namespace another one: all runs share a gateway. */
function hostIn({ namespace }: Pick<World, 'namespace'>): string {
  return `flights.${namespace}.example.org`;
}

function ownHost({ namespace }: Pick<World, 'namespace'>, name: string): string {
  return `${name}.${namespace}.example.org`;
}

function applyService(world: World, name: string, hosts: readonly string[]): Promise<void> {
  return world.apply('InferenceService', name, { spec: { modelVersion: { name: 'delay-1' }, expose: { hosts } } });
}

function applyWithBoth(world: World, name: string): Promise<void> {
  return applyService(world, name, [hostIn(world), ownHost(world, name)]);
}

function hostsOf(service: Json | undefined): readonly string[] {
  const { hosts = [] } = (service?.status?.['address'] ?? {}) as { readonly hosts?: readonly string[] };
  return hosts;
}

/** Why these hosts, and no others, do not lead to the service yet. */
function awaitsHosts(world: World, name: string, hosts: readonly string[]): string | undefined {
  const service = world.get('InferenceService', name);
  const is = hostsOf(service).join();
  return firstOf(
    awaitsCondition(service, 'Ready', 'True', 'UpToDate'),
    awaitsCondition(service, 'Exposed', 'True', 'Exposed'),
    is === hosts.join() ? undefined : `[${is}] lead to ${name}, not [${hosts.join()}]`,
  );
}

/** Why the service does not say yet that the host is another's. It serves all the same. */
function awaitsConflict(world: World, name: string): string | undefined {
  const service = world.get('InferenceService', name);
  const is = hostsOf(service).join();
  return firstOf(
    awaitsCondition(service, 'Ready', 'False', 'HostConflict'),
    awaitsCondition(service, 'Stalled', 'True', 'HostConflict'),
    awaitsCondition(service, 'Exposed', 'False', 'HostConflict'),
    awaitsCondition(service, 'Serving', 'True'),
    is === ownHost(world, name) ? undefined : `[${is}] lead to ${name}, not its own host alone`,
  );
}

/** Nobody takes the host from the service that has it. */
function keepsItsHost(owner: string): (moment: Moment) => string | undefined {
  return (moment) => {
    const host = hostIn({ namespace: moment.changed.metadata.namespace ?? '' });
    const having = moment
      .objects()
      .filter((object) => object.kind === 'InferenceService' && hostsOf(object).includes(host))
      .map(({ metadata }) => metadata.name);
    return having.join() === owner ? undefined : `${host} leads to [${having.join()}], and not to ${owner} alone`;
  };
}

export const workload: Workload = {
  name: 'hosts',
  sampled: 1,
  steps: [
    {
      name: 'name a host',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        await applyModelVersion(world, 'delay-1', DIGESTS.one);
        await applyWithBoth(world, 'first');
      },
      pending: (world) => awaitsHosts(world, 'first', [hostIn(world), ownHost(world, 'first')]),
    },
    {
      name: 'name it once more',
      act: (world) => applyWithBoth(world, 'second'),
      pending: (world) =>
        firstOf(awaitsConflict(world, 'second'), awaitsHosts(world, 'first', [hostIn(world), ownHost(world, 'first')])),
      always: keepsItsHost('first'),
    },
    {
      name: 'delete the older',
      act: (world) => world.delete('InferenceService', 'first'),
      pending: (world) =>
        firstOf(
          world.get('TrafficRoute', 'first') === undefined ? undefined : 'TrafficRoute first is still there',
          awaitsHosts(world, 'second', [hostIn(world), ownHost(world, 'second')]),
        ),
    },
    {
      name: 'make the older again, which is the younger then',
      act: (world) => applyWithBoth(world, 'first'),
      pending: (world) =>
        firstOf(
          awaitsConflict(world, 'first'),
          awaitsHosts(world, 'second', [hostIn(world), ownHost(world, 'second')]),
        ),
      always: keepsItsHost('second'),
    },
    {
      name: 'give it up',
      act: (world) => applyService(world, 'second', [ownHost(world, 'second')]),
      pending: (world) =>
        firstOf(
          awaitsHosts(world, 'first', [hostIn(world), ownHost(world, 'first')]),
          awaitsHosts(world, 'second', [ownHost(world, 'second')]),
        ),
    },
  ],
};
