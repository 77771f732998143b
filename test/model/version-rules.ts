/** What holds for the numbered versions that come of results, over the whole of time: so the states remember them. */
import type { DatasetVersion, ModelVersion } from '@slipway/crds';
import type { Job } from '@slipway/kube';
import { VERSION_NAME_ANNOTATION, VERSION_NUMBER_ANNOTATION } from '../../operator/src/labels.ts';
import { kindOf, objectsOfKind } from './api-model.ts';
import type { Id, Objects } from './api-model.ts';
import type { Request } from './requests.ts';
import type { UserStep } from './scenario.ts';
import type { State } from './state.ts';

type Version = ModelVersion | DatasetVersion;
export type VersionKind = 'ModelVersion' | 'DatasetVersion';

/** A line for each version and each reserved number: `version <number> of <digest>`, `number <number> for <uid of the Job>`. */
export function versionsEver(api: Objects, kind: VersionKind): readonly string[] {
  const versions = objectsOfKind<Version>(api, kind).map(({ spec }) => `version ${spec.number} of ${digestOf(spec)}`);
  const reserved = objectsOfKind<Job>(api, 'Job').flatMap(({ metadata: { annotations, uid } }) => {
    const number = annotations?.[VERSION_NUMBER_ANNOTATION];
    return number === undefined ? [] : [`number ${number} for ${uid}`];
  });
  return [...versions, ...reserved];
}

function digestOf({ artifact }: Version['spec']): string {
  return artifact.digest.slice(-12);
}

/** A POST that comes late may bring back what a person has deleted since: nothing in it tells the server. */
export function breaksVersions(
  kind: VersionKind,
  request: Request,
  { late, memory, api }: State,
  after: Objects,
): string | undefined {
  if (request === late) return undefined;
  for (const line of versionsEver(after, kind).filter((each) => !memory.includes(each))) {
    const [what = '', number = '', , whose = ''] = line.split(' ');
    const others = memory.map((each) => each.split(' ')).filter(([other]) => other === what);
    if (others.some(([, given, , holder]) => given === number && holder !== whose))
      return `Number ${number} is given to two results.`;
    if (what === 'version' && others.some(([, , , holder]) => holder === whose))
      return `A second version is made of one result: ${number}.`;
  }
  const isMade = kindOf(request.id) === kind && !api.has(request.id);
  return isMade ? comesBack(request.id, memory, after) : undefined;
}

/** Made under the same number of the same result, after somebody had deleted it. */
function comesBack(id: Id, memory: readonly string[], after: Objects): string | undefined {
  const made = after.get(id)?.content.object as Version | undefined;
  const wasThere = made !== undefined && memory.includes(`version ${made.spec.number} of ${digestOf(made.spec)}`);
  return wasThere ? `${id} is back, after a person deleted it.` : undefined;
}

/**
 * Every version of the kind that there is. Only once its Job has its name, because before that nothing can tell that it ever
 * was; and between two passes, because who deletes in the middle of one that publishes races with it.
 */
export function userDeletesVersions(kind: VersionKind, mayDelete: (api: Objects) => boolean = isNamed): UserStep {
  const idsOf = (api: Objects): Id[] =>
    objectsOfKind<Version>(api, kind).map(({ metadata }) => `${kind}/${metadata.name}`);
  return {
    words: `the user deletes each ${kind}`,
    when: ({ api, pass }) => pass === undefined && idsOf(api).length > 0 && mayDelete(api),
    act: (api) => new Map([...api].filter(([id]) => !idsOf(api).includes(id))),
  };
}

function isNamed(api: Objects): boolean {
  const jobs = objectsOfKind<Job>(api, 'Job');
  return jobs.some(({ metadata }) => metadata.annotations?.[VERSION_NAME_ANNOTATION] !== undefined);
}
