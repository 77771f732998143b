/** Hosts that services claim, on a real API server and with a real gateway: the oldest has it, and the next when that goes. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const HOST = 'flights.example.org';
/** Nobody has a token, so that the gateway says at once whose request it was, without a pod. */
const access = { from: [{ namespace: { name: 'nobody' } }] };
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness((pod) => {
    if (pod.spec?.containers[0]?.name !== 'batch') return { kind: 'run', ready: true };
    const asked = JSON.parse(pod.spec.containers[0].env?.[0]?.value ?? '{}') as { digest: string };
    return { kind: 'succeed', message: verified(asked.digest) };
  });
  await harness.startOperator().working();
  for (const namespace of ['team', 'rivals'])
    await harness.apply(
      namespaceNamed(namespace),
      claim(namespace),
      store(namespace),
      modelVersion(namespace, 'delay-1'),
    );
});
afterAll(() => harness?.stop());

const apply = (name: string, hosts: readonly string[], namespace = 'team') =>
  harness.apply(inferenceService(namespace, 'delay-1', { access, expose: { hosts } }, name));

async function conditionsOf(name: string, namespace = 'team') {
  const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace, name });
  const said = (type: string) => {
    const condition = found?.status?.conditions?.find((one) => one.type === type);
    return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
  };
  const exposed = found?.status?.conditions?.find(({ type }) => type === 'Exposed');
  return {
    ready: said('Ready'),
    serving: said('Serving'),
    exposed: said('Exposed'),
    message: exposed?.message,
    hosts: found?.status?.address?.hosts,
  };
}

async function isExposed(name: string, namespace = 'team') {
  const look = async () => {
    const { ready, exposed } = await conditionsOf(name, namespace);
    return ready === 'True UpToDate' && exposed === 'True Exposed';
  };
  // The first waits for its version to be verified, which is slow where many tests run.
  await eventually(`${namespace}/${name} is ready and exposed`, look, 90);
}

async function inConflict(name: string, namespace = 'team') {
  return eventually(`${namespace}/${name} has a conflict`, async () => {
    const seen = await conditionsOf(name, namespace);
    return seen.ready === 'False HostConflict' && seen;
  });
}

/** Which service the gateway took the request for; undefined where it knows no such host. */
async function ownerOf(host: string): Promise<string | undefined> {
  const before = await denied();
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const { data: port } = harness.gateway.ports;
    request({ port, path: '/v2/health/ready', headers: { host } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
  if (status === 404) return undefined;
  expect(status).toBe(401);
  const after = await denied();
  return [...after].find(([service, count]) => count > (before.get(service) ?? 0))?.[0];
}

/** The operator may know of a change before the gateway does. */
async function leadsTo(host: string, owner: string | undefined): Promise<void> {
  await eventually(`${host} leads to ${owner}`, async () => (await ownerOf(host)) === owner);
}

/** Requests without a token, by service. */
async function denied(): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${harness.gateway.ports.admin}/metrics`)).text();
  const found = text.matchAll(/_denied_total\{namespace="([^"]+)",service="([^"]+)",code="[^"]+"\} (\d+)/g);
  return new Map([...found].map(([, namespace, service, count]) => [`${namespace}/${service}`, Number(count)]));
}

/** Ages count by the second. */
const aSecond = () => sleep(1100);

describe('a host of spec.expose', () => {
  it('leads to the service that names it', async () => {
    await apply('first', [HOST, 'first.example.org']);
    await isExposed('first');

    expect((await conditionsOf('first')).hosts).toEqual([HOST, 'first.example.org']);
    expect(await ownerOf(HOST)).toBe('team/first');
    expect(await ownerOf('nobody.example.org')).toBeUndefined();
  });

  it('stays with the oldest; a later one serves under its other names, and says what is wrong', async () => {
    await aSecond();
    await apply('second', ['second.example.org', HOST]);
    const second = await inConflict('second');
    await aSecond();
    await apply('third', [HOST], 'rivals');
    const third = await inConflict('third', 'rivals');

    expect(second).toMatchObject({
      serving: 'True Serving',
      exposed: 'False HostConflict',
      hosts: ['second.example.org'],
    });
    expect(second.message).toContain(`Host "${HOST}" belongs to InferenceService "first".`);
    expect(third.message).toContain(`Host "${HOST}" belongs to a service of another namespace.`);
    expect(third.hosts).toBeUndefined();
    await isExposed('first');
    expect(await ownerOf(HOST)).toBe('team/first');
    expect(await ownerOf('second.example.org')).toBe('team/second');
    expect(await ownerOf('third.rivals.svc')).toBe('rivals/third');
  });

  it('goes to the next when the oldest gives it up, and not a request is without an answer', async () => {
    const owners = new Set<string | undefined>();
    const stop = new AbortController();
    const asking = (async () => {
      while (!stop.signal.aborted) owners.add(await ownerOf(HOST));
    })();
    await apply('first', ['first.example.org']);
    await isExposed('second');
    await eventually('the gateway follows', () => Promise.resolve(owners.has('team/second')));
    stop.abort();
    await asking;

    expect(owners).toEqual(new Set(['team/first', 'team/second']));
    expect((await conditionsOf('second')).hosts).toEqual(['second.example.org', HOST]);
    await inConflict('third', 'rivals');
  });

  it('goes to the next when the oldest is deleted, over namespaces', async () => {
    await harness.client.delete(kinds.InferenceService, { namespace: 'team', name: 'second' });
    await isExposed('third', 'rivals');

    await leadsTo(HOST, 'rivals/third');
    await leadsTo('second.example.org', undefined);
  });

  it('does not take the name that a service has within the cluster', async () => {
    await apply('thief', ['fare.rivals']);
    await isExposed('thief');
    expect(await ownerOf('fare.rivals')).toBe('team/thief');

    await apply('fare', ['fare.example.org'], 'rivals');
    expect((await inConflict('thief')).message).toContain('belongs to a service of another namespace.');
    await leadsTo('fare.rivals', 'rivals/fare');
  });

  it('is gone with spec.expose', async () => {
    await harness.apply(inferenceService('team', 'delay-1', { access }, 'first'));
    await eventually('it is not exposed', async () => (await conditionsOf('first')).exposed === undefined);
    const route = await harness.get<TrafficRoute>(kinds.TrafficRoute, { namespace: 'team', name: 'first' });

    expect(route?.spec.hosts).toEqual([]);
    await leadsTo('first.example.org', undefined);
  });
});
