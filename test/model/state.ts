/** One state of the whole: API server, operator, what is on its way, and what may still go wrong. */
import { kindOf, uidsIn } from './api-model.ts';
import type { Id, Objects, ServerContext, Stored } from './api-model.ts';
import { timeAt } from './program.ts';
import type { Pass } from './program.ts';
import { isWrite } from './requests.ts';
import type { Answer, WriteRequest } from './requests.ts';
import { answerKey, objectsKey, requestKey } from './state-key.ts';

export interface State {
  readonly api: Objects;
  /** The one kind whose watch is behind: what the cache holds of it. Every other cache shows what is there. */
  readonly stale?: { readonly kind: string; readonly objects: Objects } | undefined;
  readonly pass?: RunningPass | undefined;
  /** A write of an operator that has died since. */
  readonly late?: WriteRequest | undefined;
  /** Model time, in seconds. */
  readonly now: number;
  readonly left: Faults;
  /** How many steps of the user's script are done. */
  readonly scriptAt: number;
  /** What the properties have to remember: for InferenceServices, the revisions that ever answered. */
  readonly memory: readonly string[];
}

export interface RunningPass extends Pass {
  /** Which of the programs. */
  readonly program: number;
  /** Whether its owner was gone already when it began. */
  readonly isOrphan: boolean;
}

/** How often each thing may still go wrong. */
export interface Faults {
  /** The operator dies; a write that it was about to make may arrive later, or never. */
  readonly crashes: number;
  /** A request whose answer does not come, whether it was done or not. */
  readonly lostAnswers: number;
  /** A watch that falls behind; one at a time. */
  readonly staleKinds: number;
  /** Things that go wrong in the cluster, such as a pod that stops answering. */
  readonly mishaps: number;
}

/** What the operator's caches hold between two passes. */
export function viewOf({ api, stale }: Pick<State, 'api' | 'stale'>): Objects {
  if (stale === undefined) return api;
  return new Map([...api].filter(([id]) => kindOf(id) !== stale.kind).concat([...stale.objects]));
}

export function ofKind(objects: Objects, kind: string): Objects {
  return new Map([...objects].filter(([id]) => kindOf(id) === kind));
}

/** Uids and times for what is made in this state. A uid that nobody mentions any more is as good as new. */
export function serverContext(state: State): ServerContext {
  const newUid = (id: Id) => {
    const taken = new Set(mentionedUids(state));
    let incarnation = 1;
    while (taken.has(`${id}#${incarnation}`)) incarnation += 1;
    return `${id}#${incarnation}`;
  };
  return { newUid, now: timeAt(state.now).toISOString().replace('.000Z', 'Z') };
}

function mentionedUids(state: State): readonly string[] {
  const uids = allStored(state).flatMap(({ content }) => content.uids);
  const remembered = uidsIn(state.memory.join(' '));
  const late = state.late === undefined ? [] : uidsIn(requestKey(state.late));
  return [...uids, ...remembered, ...late];
}

function allStored({ api, stale, pass }: State): Stored[] {
  const answers = pass?.answers.flatMap((answer) => (answer.kind === 'ok' ? storedIn(answer) : [])) ?? [];
  return [...api.values(), ...(stale?.objects.values() ?? []), ...(pass?.view.values() ?? []), ...answers];
}

/** Versions become 1, 2, 3 … for each object, in their order, because only equality and order mean something. */
export function normalised(state: State): State {
  const { api, pass } = state;
  const stale = state.stale !== undefined && isCaughtUp(state.stale, api) ? undefined : state.stale;
  const rank = rankingOf({ ...state, stale });
  return {
    ...state,
    api: ranked(api, rank),
    stale: stale && { ...stale, objects: ranked(stale.objects, rank) },
    pass: pass && {
      ...pass,
      view: ranked(pass.view, rank),
      answers: pass.answers.map((each) => rankedAnswer(each, rank)),
    },
    late: state.late && rankedRequest(state.late, api, rank),
  };
}

/** A version that is not the present one will never be again, whichever it was. */
function rankedRequest(late: WriteRequest, api: Objects, rank: Rank): WriteRequest {
  const live = api.get(late.id);
  if (late.version === undefined) return late;
  const version = live?.version === late.version ? rank(live).version : 0;
  return version === late.version ? late : { ...late, version };
}

function isCaughtUp({ kind, objects }: NonNullable<State['stale']>, api: Objects): boolean {
  const now = ofKind(api, kind);
  return now.size === objects.size && [...now].every(([id, { version }]) => objects.get(id)?.version === version);
}

type Rank = (stored: Stored) => Stored;

const rankedOnes = new Map<string, Stored>();

function rankingOf(state: State): Rank {
  const versions = new Map<Id, number[]>();
  for (const { content, version } of allStored(state)) {
    const id = `${content.object.kind}/${content.object.metadata.name}`;
    const seen = versions.get(id);
    if (seen === undefined) versions.set(id, [version]);
    else if (!seen.includes(version)) seen.push(version);
  }
  for (const seen of versions.values()) seen.sort((a, b) => a - b);
  return (stored) => {
    const { kind, metadata } = stored.content.object;
    const version = (versions.get(`${kind}/${metadata.name}`) ?? []).indexOf(stored.version) + 1;
    if (version === stored.version) return stored;
    const key = `${stored.content.number}@${version}`;
    const found = rankedOnes.get(key) ?? { content: stored.content, version };
    rankedOnes.set(key, found);
    return found;
  };
}

function ranked(objects: Objects, rank: Rank): Objects {
  let changed = false;
  const next = [...objects].map(([id, stored]): [Id, Stored] => {
    const other = rank(stored);
    changed ||= other !== stored;
    return [id, other];
  });
  return changed ? new Map(next) : objects;
}

function rankedAnswer(answer: Answer, rank: Rank): Answer {
  if (answer.kind !== 'ok') return answer;
  const { stored, items } = answer;
  return {
    kind: 'ok',
    stored: stored && rank(stored),
    ...(items === undefined ? {} : { items: items.map(rank) }),
  };
}

export function stateKey({ api, stale, pass, late, now, left, scriptAt, memory }: State): string {
  return [
    objectsKey(api),
    stale === undefined ? '' : `${stale.kind} ${objectsKey(stale.objects)}`,
    pass === undefined ? '' : passKey(pass),
    late === undefined ? '' : requestKey(late),
    now,
    Object.values(left).join(),
    scriptAt,
    memory.join(),
  ].join('|');
}

function passKey({ program, view, answers, now, isOrphan }: RunningPass): string {
  return [program, objectsKey(view), answers.map(answerKey).join(' '), now, isOrphan].join('/');
}

/** What a crash leaves on its way. */
export function lateOf(request: Parameters<typeof isWrite>[0]): WriteRequest | undefined {
  return isWrite(request) ? request : undefined;
}

function storedIn({ stored, items = [] }: Extract<Answer, { kind: 'ok' }>): readonly Stored[] {
  return stored === undefined ? items : [stored, ...items];
}
