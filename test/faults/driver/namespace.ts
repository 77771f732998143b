import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Api, Json } from './api.ts';
import { pathOf } from './api.ts';
import type { Asking, Traffic } from './asking.ts';
import type { Observer } from './observer.ts';
import { resourceOf } from './observed-resources.ts';
import type { World } from './workload.ts';

/** Field manager of the definitions of our kinds. */
export const INSTALLER = 'installer';
const ACCOUNT_DEADLINE_MS = 20_000;
/** More than the namespace controller works on at a time hold each other up, and every run that waits for the end of its own. */
const MOST_ENDING = 10;
const ENDED_POLL_MS = 1_500;
/** What takes longer no longer counts: better a slow run than none. */
const ENDED_DEADLINE_MS = 60_000;

export interface Namespaces {
  /** A namespace that pods can be made in: its default service account is there. */
  create(name: string): Promise<void>;
  /** Resolves before it is gone, but not while many are still ending. */
  delete(name: string): Promise<void>;
}

export function createNamespaces(api: Api): Namespaces {
  const ending = new Set<Promise<unknown>>();

  async function untilGone(path: string): Promise<void> {
    const deadline = performance.now() + ENDED_DEADLINE_MS;
    while (performance.now() < deadline && (await api.request('GET', path)).code !== 404) await sleep(ENDED_POLL_MS);
  }

  return {
    async create(name) {
      await api.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const deadline = performance.now() + ACCOUNT_DEADLINE_MS;
      while ((await api.request('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)).code !== 200) {
        if (performance.now() > deadline) throw new Error(`namespace ${name} got no default service account`);
        await sleep(50);
      }
    },
    async delete(name) {
      const path = `/api/v1/namespaces/${name}`;
      await api.request('DELETE', path);
      const end: Promise<unknown> = untilGone(path)
        .catch(() => {}) // the API server is stopped with the last of them still ending
        .then(() => ending.delete(end));
      ending.add(end);
      while (ending.size > MOST_ENDING) await Promise.race(ending);
    },
  };
}

/** Takes its finalizers off. */
export async function releaseObject(api: Api, { kind, metadata }: Json): Promise<void> {
  const path = `${pathOf(resourceOf(kind), metadata.namespace)}/${metadata.name}`;
  await api.request('PATCH', path, { metadata: { finalizers: null } }, 'application/merge-patch+json');
}

const CONFLICT = 409;

/** @param clients Absent where the bench has no gateway. */
export function createWorld(
  { api, observer }: { readonly api: Api; readonly observer: Observer },
  namespace: string,
  clients?: Pick<Asking, 'ask'> & Pick<Traffic, 'silentPort'>,
): World {
  const collection = (kind: string) => pathOf(resourceOf(kind), namespace);

  function reachable(): NonNullable<typeof clients> {
    if (clients === undefined) throw new Error('this bench has no gateway that clients could ask');
    return clients;
  }

  async function replace(kind: string, name: string, spec: object): Promise<void> {
    const path = `${collection(kind)}/${name}`;
    const { apiVersion, metadata } = (await api.request('GET', path)).body as Json;
    const { resourceVersion } = metadata;
    const object = { apiVersion, kind, metadata: { name, namespace, resourceVersion }, spec };
    const answer = await api.request('PUT', `${path}?fieldManager=person`, object);
    // The operator wrote in between: a person would do it once more.
    if (answer.code === CONFLICT) return replace(kind, name, spec);
    mustBeTaken(`${kind} ${name}`, answer);
  }

  return {
    namespace,
    get: (kind, name) => observer.get(namespace, kind, name),
    objects: () => observer.objects(namespace),
    async apply(kind, name, rest) {
      const { group, version } = resourceOf(kind);
      const apiVersion = group === '' ? version : `${group}/${version}`;
      const path = `${collection(kind)}/${name}?fieldManager=person&force=true`;
      const object = { apiVersion, kind, metadata: { name, namespace }, ...rest };
      mustBeTaken(`${kind} ${name}`, await api.request('PATCH', path, object, 'application/apply-patch+yaml'));
    },
    replace,
    async scale(kind, name, replicas) {
      const path = `${collection(kind)}/${name}/scale?fieldManager=person`;
      const answer = await api.request('PATCH', path, { spec: { replicas } }, 'application/merge-patch+json');
      mustBeTaken(`the scale of ${kind} ${name}`, answer);
    },
    ask(service, atATime) {
      reachable().ask(`${service}.${namespace}.svc`, atATime);
    },
    silentPort: () => reachable().silentPort,
    async delete(kind, name) {
      await api.request('DELETE', `${collection(kind)}/${name}`);
    },
    async define(name, definition) {
      // As the bench installed it: what the new one lacks, goes.
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}?fieldManager=${INSTALLER}&force=true`;
      mustBeTaken(
        `the definition ${name}`,
        await api.request('PATCH', path, definition, 'application/apply-patch+yaml'),
      );
    },
    async deleteNamespace() {
      await api.request('DELETE', `/api/v1/namespaces/${namespace}`);
    },
  };
}

function mustBeTaken(what: string, { code, body }: Answer): void {
  if (code >= 300) throw new Error(`${what} was refused with ${code}: ${(body as { message?: string }).message}`);
}
