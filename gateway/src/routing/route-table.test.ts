import { describe, expect, it } from 'vitest';
import { aBackend, aRoute } from '../testing/routes.ts';
import { hostNameOf } from './host-name.ts';
import { createRouteTable } from './route-table.ts';

const backends = [aBackend('flights-1', 100)] as const;
const route = (name: string, more = {}) => aRoute(backends, { name, ...more });

describe('a host name', () => {
  it.each([
    ['Flights.Team-A.svc:8080', 'flights.team-a.svc'],
    ['flights.team-a.svc.cluster.local.', 'flights.team-a.svc.cluster.local'],
    ['10.0.0.1:80', '10.0.0.1'],
    ['a', 'a'],
  ])('%s is %s', (authority, name) => {
    expect(hostNameOf(authority)).toBe(name);
  });

  it.each(['', '.', '[::1]:80', 'a b', 'user@a', 'a/b', '-a', 'ü.example', 'a'.repeat(254)])(
    '%s is none',
    (authority) => {
      expect(hostNameOf(authority)).toBeUndefined();
    },
  );
});

describe('the table', () => {
  it('finds a route by each of its names', () => {
    const table = createRouteTable('cluster.local');
    const flights = route('flights', { hosts: ['flights.ml.example'] });
    table.set(flights);

    for (const name of [
      'flights.team-a',
      'flights.team-a.svc',
      'flights.team-a.svc.cluster.local',
      'flights.ml.example',
    ])
      expect(table.find(name)).toBe(flights);
    for (const name of ['flights', 'flights.team-b.svc', 'flights.team-a.svc.other', ''])
      expect(table.find(name)).toBeUndefined();
  });

  it('gives a host that two claim to the older, and to the other when that goes', () => {
    const table = createRouteTable('cluster.local');
    const younger = route('a', { hosts: ['x.example'], createdAt: 2 });
    const older = route('b', { hosts: ['x.example', 'y.example'], createdAt: 1 });
    table.set(younger);
    table.set(older);

    expect(table.find('x.example')).toBe(older);
    expect(table.lostHosts(younger)).toEqual(['x.example']);
    expect(table.lostHosts(older)).toEqual([]);
    table.delete('team-a', 'b');
    expect(table.find('x.example')).toBe(younger);
    expect(table.find('y.example')).toBeUndefined();
  });

  it('gives a host that two of the same second claim to the smaller uid, whichever came to know of first', () => {
    const one = route('z', { uid: 'uid-1', hosts: ['x.example'], createdAt: 1 });
    const two = route('a', { uid: 'uid-2', hosts: ['x.example'], createdAt: 1 });
    const found = [
      [one, two],
      [two, one],
    ].map((order) => {
      const table = createRouteTable('cluster.local');
      for (const each of order) table.set(each);
      return table.find('x.example');
    });

    expect(found).toEqual([one, one]);
  });

  it('takes from nobody a host that is his own name', () => {
    const table = createRouteTable('cluster.local');
    const flights = route('flights', { hosts: ['flights.team-a'] });
    table.set(flights);

    expect(table.lostHosts(flights)).toEqual([]);
  });

  it('lets nobody take the name that another service has in the cluster', () => {
    const table = createRouteTable('cluster.local');
    const thief = route('thief', { hosts: ['flights.team-b.svc'], createdAt: 1 });
    const owner = route('flights', { namespace: 'team-b', createdAt: 2 });
    table.set(thief);
    table.set(owner);

    expect(table.find('flights.team-b.svc')).toBe(owner);
    expect(table.lostHosts(thief)).toEqual(['flights.team-b.svc']);
  });

  it('forgets what a route claimed before it changed', () => {
    const table = createRouteTable('cluster.local');
    table.set(route('flights', { hosts: ['old.example'] }));
    table.set(route('flights', { hosts: ['new.example'], sequence: 2 }));

    expect(table.find('old.example')).toBeUndefined();
    expect(table.find('new.example')?.sequence).toBe(2);
    expect(table.list()).toHaveLength(1);
  });
});
