/** Routes of both kinds on a real API server with the real kinds of the Gateway API; the test answers as the controller of a Gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, InferenceService } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayRouteKinds, kinds } from '../../../operator/src/kinds.ts';
import type { GatewayRoute, GatewayRouteKind } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { installGatewayApi } from './gateway-api-kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, DIGEST_B, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const KEY = { namespace: 'team', name: 'flights' };
const KINDS: readonly GatewayRouteKind[] = ['HTTPRoute', 'GRPCRoute'];
const gateway = { name: 'public', namespace: 'infra' };
const hosts = ['flights.example.org'];
const grpcHosts = ['grpc.example.org'];
const expose = { hosts, grpcHosts, by: 'GatewayApi', gateway };
/** Longer than the operator needs for its next step. */
const SETTLE_MS = 3_000;
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript, { gatewayApi: true });
  await harness.startOperator({ SLIPWAY_GATEWAY_API: 'Enabled' }).working();
  await harness.apply(
    namespaceNamed('team'),
    claim('team'),
    store('team'),
    modelVersion('team', 'delay-1'),
    modelVersion('team', 'delay-2', DIGEST_B),
  );
});
afterAll(() => harness?.stop());

async function seen() {
  const { metadata, status } = await harness.client.get<InferenceService>(kinds.InferenceService, KEY);
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
  const said = (type: string) => `${condition(type)?.status} ${condition(type)?.reason}`;
  return {
    isCurrent: status?.observedGeneration === metadata.generation,
    said,
    message: condition('Exposed')?.message ?? '',
    stable: status?.stable?.revision,
    version: status?.stable?.modelVersion,
    hosts: status?.address?.hosts,
    grpcHosts: status?.address?.grpcHosts,
  };
}

/** Waits until `Exposed` is so of the present spec, in these words. */
function eventuallyExposed(state: string, words: string) {
  const look = async () => {
    const now = await seen();
    return now.isCurrent && now.said('Exposed') === state && now.message.includes(words) && now;
  };
  return eventually(`Exposed is ${state}: ${words}`, look, 90);
}

function routeOf(kind: GatewayRouteKind): Promise<GatewayRoute | undefined> {
  return harness.get(gatewayRouteKinds[kind], KEY);
}

/** By name of the revision. */
function weightsOf(route: GatewayRoute | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(route?.spec.rules.at(-1)?.backendRefs.map(({ name, weight }) => [name, weight]) ?? []);
}

/** The controller of the Gateway has read the route as it is, and takes it. */
async function accept(kind: GatewayRouteKind): Promise<void> {
  const route = await eventually(`there is a ${kind}`, () => routeOf(kind));
  const condition: Omit<Condition, 'type' | 'reason'> = {
    status: 'True',
    message: '',
    lastTransitionTime: new Date().toISOString(),
    observedGeneration: route.metadata.generation ?? 0,
  };
  const conditions = [
    { ...condition, type: 'Accepted', reason: 'Accepted' },
    { ...condition, type: 'ResolvedRefs', reason: 'ResolvedRefs' },
  ];
  const parents = [{ parentRef: gateway, controllerName: 'example.org/controller', conditions }];
  const options = { fieldManager: 'controller', subresource: 'status' } as const;
  await harness.client.mergePatch(gatewayRouteKinds[kind], KEY, { status: { parents } }, options);
}

describe('expose.grpcHosts', () => {
  it('says which kind the cluster lacks, and writes the other', async () => {
    await installGatewayApi(harness.plane, 'gateway.networking.k8s.io_httproutes.yaml');
    await harness.apply(inferenceService('team', 'delay-1', { expose }));
    await accept('HTTPRoute');
    const {
      said,
      hosts: shown,
      grpcHosts: none,
    } = await eventuallyExposed('False GatewayApiNotInstalled', 'GRPCRoute');

    expect(said('Ready')).toBe('False GatewayApiNotInstalled');
    expect(said('Serving')).toBe('True Serving');
    expect([shown, none]).toEqual([hosts, undefined]);
  });

  it('has a GRPCRoute beside the HTTPRoute once there is that kind, without a restart of the operator', async () => {
    await installGatewayApi(harness.plane);
    await eventuallyExposed('False RouteNotAccepted', 'No controller has answered for the GRPCRoute.');
    await accept('GRPCRoute');
    const { stable = '', said, ...now } = await eventuallyExposed('True Exposed', 'the HTTPRoute and the GRPCRoute');

    expect(said('Ready')).toBe('True UpToDate');
    expect([now.hosts, now.grpcHosts]).toEqual([hosts, grpcHosts]);
    expect((await routeOf('HTTPRoute'))?.spec.hostnames).toEqual(hosts);
    expect((await routeOf('GRPCRoute'))?.spec).toMatchObject({
      hostnames: grpcHosts,
      parentRefs: [gateway],
      rules: [{ backendRefs: [{ name: stable, port: 9000, weight: 100 }] }],
    });
  });

  it.each([
    { late: 'GRPCRoute', version: 'delay-2' },
    { late: 'HTTPRoute', version: 'delay-1' },
  ] as const)('does not end a change before the new $late has been read', async ({ late, version }) => {
    const { stable: old = '' } = await seen();
    await harness.apply(inferenceService('team', version, { expose }));
    const step = (what: string, isThere: (weights: Readonly<Record<string, number>>) => boolean) =>
      Promise.all(
        KINDS.map((kind) => eventually(`the ${kind} ${what}`, async () => isThere(weightsOf(await routeOf(kind))), 90)),
      );
    await step('gives all to the new revision', (weights) => weights[old] === 0);
    for (const kind of KINDS.filter((one) => one !== late)) await accept(kind);
    await eventuallyExposed('False RouteNotAccepted', `does not follow the newest ${late} yet`);
    await sleep(SETTLE_MS);
    expect(weightsOf(await routeOf('GRPCRoute'))).toMatchObject({ [old]: 0 });
    expect((await seen()).stable).toBe(old);

    await accept(late);
    await step('lists that alone', (weights) => !Object.hasOwn(weights, old));
    for (const kind of KINDS) await accept(kind);
    const now = await eventuallyExposed('True Exposed', '');
    expect([now.version, now.said('Ready')]).toEqual([version, 'True UpToDate']);
    // Controllers tell what they have read, and not when they go by it.
    expect(await harness.get(builtin.Deployment, { namespace: 'team', name: old })).toBeDefined();
  });

  it('leaves no GRPCRoute behind that nobody asks for', async () => {
    await harness.apply(inferenceService('team', 'delay-1', { expose: { hosts, by: 'GatewayApi', gateway } }));
    await eventually('there is no GRPCRoute', async () => (await routeOf('GRPCRoute')) === undefined);
    const now = await eventuallyExposed('True Exposed', 'has accepted the HTTPRoute for');

    expect([now.hosts, now.grpcHosts]).toEqual([hosts, undefined]);
  });

  it('needs no hosts of the other kind', async () => {
    await harness.apply(inferenceService('team', 'delay-1', { expose: { grpcHosts, by: 'GatewayApi', gateway } }));
    await accept('GRPCRoute');
    const now = await eventuallyExposed('True Exposed', 'has accepted the GRPCRoute for');

    expect([now.hosts, now.grpcHosts]).toEqual([undefined, grpcHosts]);
    await eventually('there is no HTTPRoute', async () => (await routeOf('HTTPRoute')) === undefined);
  });
});
