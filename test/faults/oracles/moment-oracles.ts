/** What must hold at every moment of a run, and not only when everything is quiet. Pure; each problem is one line. */
import type { Json } from '../driver/api.ts';
import { keyOf } from '../driver/masking.ts';
import type { Moment } from '../driver/moments.ts';

const REVISION = 'slipway.dev/revision';
const MOVED_AT = 'slipway.dev/traffic-moved-at';
const SERVICE_NAME = 'kubernetes.io/service-name';

/** Requests move to a revision only when a pod of it is ready, and listed where gateways look for it. */
export function trafficToUnready(moments: Iterable<Moment>): string[] {
  const found: string[] = [];
  for (const { changed, isGone, before, objects } of moments) {
    if (changed.kind !== 'TrafficRoute' || isGone || movedAt(changed) === movedAt(before)) continue;
    for (const { revision, weight } of backendsOf(changed)) {
      if (weight === 0 || (isAnswering(objects(), revision) && isListed(objects(), revision))) continue;
      found.push(`the requests of ${changed.metadata.name} move to ${revision}, of which no pod is ready and listed`);
    }
  }
  return found;
}

interface Backend {
  readonly revision: string;
  readonly weight: number;
}

function backendsOf({ spec }: Json): readonly Backend[] {
  return (spec?.['backends'] ?? []) as readonly Backend[];
}

function movedAt(route: Json | undefined): string | undefined {
  return route?.metadata.annotations?.[MOVED_AT];
}

function isAnswering(objects: readonly Json[], revision: string): boolean {
  return objects.some(({ kind, metadata, status }) => {
    const conditions = (status?.['conditions'] ?? []) as readonly { type: string; status: string }[];
    const isReady = conditions.some((each) => each.type === 'Ready' && each.status === 'True');
    return kind === 'Pod' && metadata.labels?.[REVISION] === revision && isReady;
  });
}

function isListed(objects: readonly Json[], revision: string): boolean {
  return objects.some((object) => {
    const { endpoints } = object as { readonly endpoints?: readonly { conditions?: { ready?: boolean } }[] | null };
    const isOfIt = object.kind === 'EndpointSlice' && object.metadata.labels?.[SERVICE_NAME] === revision;
    return isOfIt && (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false);
  });
}

/** The Deployment of a revision that gets requests stays as long as its service does. */
export function endsWhatServes(moments: Iterable<Moment>): string[] {
  const found: string[] = [];
  for (const { changed, isGone, get, objects } of moments) {
    const isEnding = isGone || changed.metadata.deletionTimestamp !== undefined;
    if (changed.kind !== 'Deployment' || !isEnding) continue;
    const service = objects().find(({ metadata }) => metadata.uid === ownerOf(changed));
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) continue;
    const route = get('TrafficRoute', service.metadata.name);
    if (route === undefined || ownerOf(route) !== service.metadata.uid) continue;
    const { name } = changed.metadata;
    if (backendsOf(route).some(({ revision, weight }) => revision === name && weight > 0))
      found.push(`${keyOf(changed)} ends while it gets the requests of ${service.metadata.name}`);
  }
  return found;
}

function ownerOf(object: Json | undefined): string | undefined {
  return object?.metadata.ownerReferences?.[0]?.uid;
}

/** Once a version has passed or failed the gates of its Model, that is so for as long as they ask for the same. */
export function twoVerdicts(moments: Iterable<Moment>): string[] {
  const verdicts = new Map<string, string>();
  const found: string[] = [];
  for (const { changed, get } of moments) {
    const { gates, evaluation } = get('Model', modelOf(changed))?.spec ?? {};
    const verdict = verdictOf(changed);
    if (changed.kind !== 'ModelVersion' || gates === undefined || verdict === undefined) continue;
    const question = JSON.stringify([changed.metadata.uid, gates, evaluation]);
    const first = verdicts.get(question) ?? verdict;
    if (first !== verdict) found.push(`${keyOf(changed)} has ${verdict}, and had ${first} by the same gates`);
    verdicts.set(question, first);
  }
  return found;
}

function modelOf({ spec }: Json): string {
  return (spec?.['model'] as { readonly name?: string } | undefined)?.name ?? '';
}

function verdictOf({ status }: Json): string | undefined {
  const conditions = (status?.['conditions'] ?? []) as readonly { type: string; status: string }[];
  const passed = conditions.find(({ type }) => type === 'GatesPassed')?.status;
  if (passed === 'True') return 'passed';
  return passed === 'False' ? 'failed' : undefined;
}
