import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { expect, it } from 'vitest';
import { serviceObject } from '../../testing/objects.ts';
import { routingLines } from './route.ts';

const candidate = { revision: 'flights-9c1', modelVersion: 'delay-2', ready: 2 };
const backends = [
  { revision: 'flights-5b7', weight: 90 },
  { revision: 'flights-9c1', weight: 10 },
];
const routing = {
  service: serviceObject({ candidate }) as InferenceService,
  route: { metadata: { name: 'flights' }, spec: { sequence: 7, backends } } as unknown as TrafficRoute,
  obstacles: [],
};

it('shows the weights with their versions, and how many gateways follow them', () => {
  const followed = [
    { gateway: 'gateway-a', sequence: 7 },
    { gateway: 'gateway-b', sequence: 7 },
  ];

  expect(routingLines({ ...routing, followed })).toEqual([
    'WEIGHT   REVISION      VERSION',
    '90%      flights-5b7   delay-1',
    '10%      flights-9c1   delay-2',
    'Route 7 is followed by 2 of 2 gateways that tell.',
  ]);
});

it('names the gateways that are behind, and what could not be found out', () => {
  const followed = [
    { gateway: 'gateway-a', sequence: 7 },
    { gateway: 'gateway-b', sequence: 6 },
    { gateway: 'gateway-c', sequence: 0 },
  ];
  const obstacles = ['Gateway "gateway-d" does not answer.'];

  expect(routingLines({ ...routing, followed, obstacles }).slice(3)).toEqual([
    'Route 7 is followed by 1 of 3 gateways that tell; gateway-b follows 6, gateway-c knows no route.',
    'Gateway "gateway-d" does not answer.',
  ]);
});
