/**
 * How a result becomes a numbered version exactly once, wherever the operator dies. Three marks, written in this order:
 *   1. on the parent (Model, Dataset): the highest number ever reserved, under its resourceVersion, so no number is given twice;
 *   2. on the Job whose result it is: the number, under its resourceVersion, so that every later try makes the same name;
 *   3. on the Job: the name of the version, so that one that a person deleted is not made again.
 * The version itself is POSTed between 2 and 3. A write that arrives late meets another resourceVersion or the same name.
 */
import { BlockedError, builtin, ignoreNotFound, keyOf, KubeApiError, TransientError } from '@slipway/kube';
import type { DeepReadonly, Job, KubeClient, KubeKind, KubeObject, ObjectKey, Scope } from '@slipway/kube';
import { LAST_NUMBER_ANNOTATION, VERSION_NAME_ANNOTATION, VERSION_NUMBER_ANNOTATION } from '../labels.ts';

export interface VersionRequest<V extends KubeObject> {
  /** What the numbers belong to. */
  readonly parent: { readonly kind: KubeKind; readonly key: ObjectKey };
  /** The Job that made the bytes; it carries the marks. */
  readonly job: DeepReadonly<Job>;
  readonly kind: KubeKind<V>;
  /** Numbers of the versions that are there: some may have been made by hand, or the parent's annotation may be lost. */
  readonly usedNumbers: readonly number[];
  build(number: number): V;
  /** Whether the version that has the name already is this result. */
  isSame(existing: V): boolean;
}

export interface PublishedVersion {
  readonly name: string;
  /** False when an earlier try had made it. */
  readonly created: boolean;
}

interface PublishDeps {
  readonly client: KubeClient;
  readonly fieldManager: string;
}

/** How often a parent may change under us, or a name be taken, in one pass. */
const TRIES = 5;

/** The name of the version that the Job's result became; undefined until then. */
export function publishedName(job: DeepReadonly<Job> | undefined): string | undefined {
  return job?.metadata.annotations?.[VERSION_NAME_ANNOTATION];
}

/** The number that is reserved for the Job's result; undefined until then. */
export function reservedNumber(job: DeepReadonly<Job>): number | undefined {
  return numberOf(job.metadata.annotations?.[VERSION_NUMBER_ANNOTATION]);
}

/**
 * Makes the version of a result and returns its name.
 *
 * @throws BlockedError `<Kind>NotFound` when the parent is not there.
 * @throws TransientError when something else wrote in between; the next pass goes on where this one stopped.
 */
export async function publishVersion<V extends KubeObject>(
  deps: PublishDeps,
  request: VersionRequest<V>,
  scope: Scope,
): Promise<PublishedVersion> {
  let job = await readJob(deps, request.job, scope);
  const name = publishedName(job);
  if (name !== undefined) return { name, created: false };
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const reserved = reservedNumber(job);
    const isTaken = attempt > 0;
    if (reserved === undefined || isTaken)
      job = await reserveNumber(deps, request, { job, above: reserved ?? 0 }, scope);
    const version = request.build(reservedNumber(job) ?? 0);
    const made = await createVersion(deps, request, version, scope);
    if (made === 'taken') continue;
    await recordName(deps, job, version.metadata.name, scope);
    return { name: version.metadata.name, created: made === 'created' };
  }
  throw new TransientError('Conflict', `${TRIES} names of new versions were taken; trying on.`);
}

async function createVersion<V extends KubeObject>(
  { client, fieldManager }: PublishDeps,
  request: VersionRequest<V>,
  version: V,
  { signal, log }: Scope,
): Promise<'created' | 'same' | 'taken'> {
  try {
    await client.create<KubeObject>(request.kind, version, { fieldManager, signal });
    log.info({ version: version.metadata.name }, 'version created');
    return 'created';
  } catch (cause) {
    if (!(cause instanceof KubeApiError && cause.isAlreadyExists)) throw cause;
    const existing = await ignoreNotFound(client.get(request.kind, keyOf(version), { signal }));
    return existing !== undefined && request.isSame(existing) ? 'same' : 'taken';
  }
}

/** Marks 1 and 2; returns the Job as it is afterwards. A crash between the two leaves a gap, which is allowed. */
async function reserveNumber<V extends KubeObject>(
  deps: PublishDeps,
  request: VersionRequest<V>,
  { job, above }: { readonly job: DeepReadonly<Job>; readonly above: number },
  scope: Scope,
): Promise<DeepReadonly<Job>> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const parent = await readParent(deps, request, scope);
    const last = numberOf(parent.metadata.annotations?.[LAST_NUMBER_ANNOTATION]) ?? 0;
    const number = Math.max(last, above, ...request.usedNumbers) + 1;
    try {
      await annotate(
        deps,
        { kind: request.parent.kind, object: parent },
        { [LAST_NUMBER_ANNOTATION]: String(number) },
        scope,
      );
    } catch (cause) {
      // Statuses and other controllers move the resourceVersion too.
      if (cause instanceof KubeApiError && cause.isConflict) continue;
      throw cause;
    }
    return markNumber(deps, { job, number }, scope);
  }
  throw new TransientError('Conflict', `${request.parent.kind.kind} ${request.parent.key.name} keeps changing.`);
}

async function readParent(
  { client }: PublishDeps,
  { parent: { kind, key } }: Pick<VersionRequest<KubeObject>, 'parent'>,
  { signal }: Scope,
): Promise<KubeObject> {
  const parent = await ignoreNotFound(client.get(kind, key, { signal }));
  if (parent !== undefined) return parent;
  const message = `There is no ${kind.kind} "${key.name}" in namespace "${key.namespace}", which the new version belongs to. Create it again.`;
  throw new BlockedError(`${kind.kind}NotFound`, message);
}

/** Mark 3. It is final, so it needs no resourceVersion: with one, a conflict would lose it for good. */
export async function recordName(
  { client, fieldManager }: PublishDeps,
  job: DeepReadonly<Job>,
  name: string,
  { signal }: Scope,
): Promise<void> {
  const patch = { metadata: { uid: job.metadata.uid, annotations: { [VERSION_NAME_ANNOTATION]: name } } };
  await client.mergePatch(builtin.Job, keyOf(job), patch, { fieldManager, signal });
}

/**
 * Mark 2. The Job's status moves its resourceVersion too: then the same number is tried again, because another would leave a
 * gap. A mark that somebody else has set meanwhile stays, and its number counts.
 */
async function markNumber(
  deps: PublishDeps,
  { job, number }: { readonly job: DeepReadonly<Job>; readonly number: number },
  scope: Scope,
): Promise<DeepReadonly<Job>> {
  const markOf = ({ metadata }: DeepReadonly<Job>) => metadata.annotations?.[VERSION_NUMBER_ANNOTATION];
  let current = job;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      const annotations = { [VERSION_NUMBER_ANNOTATION]: String(number) };
      return await annotate(deps, { kind: builtin.Job, object: current }, annotations, scope);
    } catch (cause) {
      if (!(cause instanceof KubeApiError && cause.isConflict)) throw cause;
      current = await readJob(deps, job, scope);
      if (markOf(current) !== markOf(job)) return current;
    }
  }
  throw new TransientError('Conflict', `Job ${job.metadata.name} keeps changing.`);
}

/** Not from the cache: it may not have the marks yet that another pass has set. */
async function readJob({ client }: PublishDeps, job: DeepReadonly<Job>, { signal }: Scope): Promise<DeepReadonly<Job>> {
  const read = await client.get(builtin.Job, keyOf(job), { signal });
  if (read.metadata.uid !== job.metadata.uid) throw new TransientError('Conflict', 'The Job was replaced.');
  return read;
}

/** Under the resourceVersion and the uid of what was read. */
async function annotate<T extends KubeObject>(
  { client, fieldManager }: PublishDeps,
  { kind, object }: { readonly kind: KubeKind<T>; readonly object: DeepReadonly<KubeObject> },
  annotations: Readonly<Record<string, string>>,
  { signal }: Scope,
): Promise<T> {
  const { uid, resourceVersion } = object.metadata;
  const patch = { metadata: { uid, resourceVersion, annotations } };
  return client.mergePatch(kind, keyOf(object), patch, { fieldManager, signal });
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  return Number(text);
}
