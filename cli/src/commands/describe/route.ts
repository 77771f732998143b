/** Where the requests of a service go, and which gateways follow that already. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { Cluster } from '../../cluster/cluster.ts';
import { createGatewayReader } from '../../cluster/gateways.ts';
import { keyOf, keyToString } from '@slipway/kube';
import type { SlipwayObject } from '../../cluster/kinds.ts';
import { renderTable } from '../../terminal/table.ts';

export interface Routing {
  readonly service: InferenceService;
  readonly route: TrafficRoute;
  /** The gateways that said which sequence of the route they follow; 0 where they know no such route. */
  readonly followed: readonly { readonly gateway: string; readonly sequence: number }[];
  /** Sentences about what was not found out, and why. */
  readonly obstacles: readonly string[];
}

/** undefined where there is no route, or none that may be read. */
export async function readRouting(cluster: Cluster, object: SlipwayObject): Promise<Routing | undefined> {
  const { namespace } = object.metadata;
  const reader = createGatewayReader(cluster);
  const [routes, gateways] = await Promise.all([reader.routes(namespace), reader.find(namespace)]);
  const route = routes.find((one) => keyToString(keyOf(one)) === keyToString(keyOf(object)));
  if (route === undefined) return undefined;
  const followed = await Promise.all(
    gateways.map(async (gateway) => {
      const answer = await reader.ask(gateway, '/routes');
      const sequence = answer === undefined ? undefined : sequenceIn(answer, route);
      return sequence === undefined ? undefined : { gateway: gateway.pod.metadata.name, sequence };
    }),
  );
  const told = followed.filter((one) => one !== undefined);
  return { service: object as InferenceService, route, followed: told, obstacles: reader.obstacles() };
}

function sequenceIn(answer: string, { metadata: { uid } }: TrafficRoute): number {
  const { routes } = JSON.parse(answer) as { routes: { uid: string; sequence: number }[] };
  return routes.find((one) => one.uid === uid)?.sequence ?? 0;
}

/** A line a revision, and one about the gateways. */
export function routingLines({ service, route, followed, obstacles }: Routing): string[] {
  const { backends, sequence } = route.spec;
  const sides = [service.status?.stable, service.status?.candidate];
  const rows = backends.map(({ revision, weight }) => {
    const version = sides.find((side) => side?.revision === revision)?.modelVersion;
    return [`${weight}%`, revision, version ?? ''].map((text) => ({ text }));
  });
  const table = renderTable({ head: ['WEIGHT', 'REVISION', 'VERSION'], rows }, { width: undefined });
  return [...table.trimEnd().split('\n'), followers(followed, sequence), ...obstacles];
}

function followers(followed: Routing['followed'], sequence: number): string {
  const behind = followed.filter((one) => one.sequence < sequence);
  const counted = `Route ${sequence} is followed by ${followed.length - behind.length} of ${followed.length} gateways that tell`;
  const late = behind.map((one) =>
    one.sequence === 0 ? `${one.gateway} knows no route` : `${one.gateway} follows ${one.sequence}`,
  );
  return late.length === 0 ? `${counted}.` : `${counted}; ${late.join(', ')}.`;
}
