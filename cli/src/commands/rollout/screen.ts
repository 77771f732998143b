/** What `slipway rollout status` and `history` show. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { conditionOf, healthOf } from '../../cluster/conditions.ts';
import { numberOf, phaseOf } from '../../cluster/rollouts.ts';
import type { Phase } from '../../cluster/rollouts.ts';
import { age } from '../../terminal/age.ts';
import type { Colour, Paint } from '../../terminal/style.ts';
import { cleanText, wrap } from '../../terminal/table.ts';
import type { Cell, Table } from '../../terminal/table.ts';
import type { Subject } from './decide.ts';
import { stepWords } from './words.ts';

export interface Versions {
  /** By revision. */
  readonly versions: ReadonlyMap<string, string>;
}

export interface View {
  readonly now: Date;
  readonly paint: Paint;
  /** Columns; undefined where nothing has to fit. */
  readonly width: number | undefined;
}

const WIDTH_OF_PIPES = 120;
const COLOURS: Readonly<Record<Phase, Colour>> = {
  GoesOn: 'yellow',
  Promoted: 'green',
  Aborted: 'red',
  Superseded: 'dim',
  Withdrawn: 'dim',
  Refused: 'red',
};

export function statusLines(subject: Subject & Versions, view: View): string[] {
  const { rollout, service } = subject;
  const { metadata, spec } = rollout;
  const { paint, now } = view;
  const name = spec.inferenceService.name;
  return [
    `${paint('bold', metadata.name)} of InferenceService ${paint('bold', name)}, begun ${age(metadata.creationTimestamp, now)} ago by ${spec.cause}`,
    ...factLines(subject, view),
    ...reasonLines(rollout, view),
    ...stepLines(rollout, service, paint),
    ...nextLines(subject, view),
  ];
}

function factLines({ rollout, service, versions }: Subject & Versions, { paint }: View): string[] {
  const { spec } = rollout;
  const phase = phaseOf(rollout);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['From', spec.from && sideWords(spec.from.revision, versions)],
    ['To', sideWords(spec.to.revision, versions)],
    ['Strategy', service === undefined ? undefined : (service.spec.rollout?.strategy ?? 'Rolling')],
    ['State', paint(COLOURS[phase], stateWords(rollout))],
    ['Step', stepPlace(rollout)],
    ['Weight', weightWords(rollout)],
    ['Deadline', phase === 'GoesOn' ? deadlineWords(service) : undefined],
  ];
  return facts.flatMap(([fact, value]) => (value === undefined ? [] : [`  ${fact.padEnd(8)}   ${value}`]));
}

/** `delay-2 (flights-9c10d3ee)`; the revision alone where its version is forgotten. */
function sideWords(revision: string, versions: ReadonlyMap<string, string>): string {
  const version = versions.get(revision);
  return version === undefined ? revision : `${version} (${revision})`;
}

function stateWords(rollout: ModelRollout): string {
  const { spec } = rollout;
  const tried = spec.try === 1 ? '' : `, try ${spec.try}`;
  return `${phaseWords(rollout)}${tried}`;
}

function phaseWords(rollout: ModelRollout): string {
  const phase = phaseOf(rollout);
  if (phase !== 'GoesOn') return phase;
  const { verdict, state } = rollout.spec;
  return verdict === 'Promote' ? 'Running, promoted in full' : state;
}

function stepPlace({ status }: ModelRollout): string | undefined {
  return status?.step === undefined || status.steps === undefined ? undefined : `${status.step} of ${status.steps}`;
}

function weightWords({ status }: ModelRollout): string | undefined {
  const { weight, observedWeight } = status ?? {};
  if (weight === undefined) return undefined;
  if (observedWeight === undefined) return `${weight}% asked, not every gateway goes by it yet`;
  return `${weight}% asked, ${observedWeight}% at every gateway`;
}

function deadlineWords(service: InferenceService | undefined): string | undefined {
  const deadline = service?.spec.rollout?.canary?.deadline;
  return deadline && `${deadline.after} after its beginning, without pauses: ${deadline.then}`;
}

function reasonLines(rollout: ModelRollout, { width, paint }: View): string[] {
  const { state, reason, message } = healthOf(rollout);
  const colour = { well: 'green', waiting: 'yellow', wrong: 'red' } as const;
  const [first = '', ...rest] = wrap(cleanText(`${reason}: ${message}`), (width ?? WIDTH_OF_PIPES) - INDENT);
  return [`  Reason     ${paint(colour[state], first)}`, ...rest.map((line) => `${' '.repeat(INDENT)}${line}`)];
}

const INDENT = '  Reason     '.length;

/** Not of one that has ended: the spec may have other steps since. */
function stepLines(rollout: ModelRollout, service: InferenceService | undefined, paint: Paint): string[] {
  const phase = phaseOf(rollout);
  const now = rollout.status?.step;
  if (now === undefined || (phase !== 'GoesOn' && phase !== 'Aborted')) return [];
  const lines = stepWords(service).map((words, index) => {
    const number = index + 1;
    if (number < now) return `  ${paint('green', '✓')} ${number}  ${words}`;
    if (number > now) return `  ${paint('dim', '·')} ${number}  ${words}`;
    const mark = phase === 'Aborted' ? paint('red', '✗') : paint('yellow', '▸');
    return `  ${mark} ${number}  ${paint('bold', words)}`;
  });
  return ['', paint('bold', 'Steps'), ...lines];
}

function nextLines(subject: Subject, { paint }: View): string[] {
  const words = nextWords(subject);
  return words === undefined ? [] : ['', paint('bold', 'Next'), `  ${words}`];
}

/** What comes next, and when or by whom; undefined of one that has ended. */
function nextWords({ rollout, service, newer }: Subject): string | undefined {
  const phase = phaseOf(rollout);
  const name = rollout.spec.inferenceService.name;
  if (phase === 'Aborted') {
    return newer === undefined
      ? `Nothing by itself. To try it again: slipway rollout retry ${name}`
      : `Nothing: ${newer} followed.`;
  }
  if (phase !== 'GoesOn') return undefined;
  if (rollout.spec.verdict === 'Promote') return 'All requests, when all its pods answer.';
  const reason = conditionOf(rollout, 'Ready')?.reason;
  if (reason === 'PreviouslyRolledBack') {
    return `Nothing by itself. To give it all requests: slipway rollout promote ${name} --full`;
  }
  if (rollout.spec.state === 'Paused') return `Nothing, until it is resumed: slipway rollout resume ${name}`;
  return nextStep(rollout, stepWords(service));
}

function nextStep({ status, spec }: ModelRollout, steps: readonly string[]): string | undefined {
  const { step } = status ?? {};
  if (step === undefined) return 'The operator looks at it.';
  const [current = '', following] = [steps[step - 1], steps[step]];
  if (following === undefined) return 'It ends when every gateway gives it all requests.';
  const place = `Step ${step + 1}, ${following}`;
  const waitsForPerson = current.includes('until a person') && spec.approvedStep < step;
  if (!waitsForPerson) return `${place}, when step ${step} is over.`;
  return `${place}, when somebody says: slipway rollout promote ${spec.inferenceService.name}`;
}

/** The newest first, a line each. */
export function historyTable(
  rollouts: readonly ModelRollout[],
  { versions, now, ofOneService }: Versions & { readonly now: Date; readonly ofOneService: boolean },
): Table {
  const first = ofOneService ? 'NUMBER' : 'NAME';
  return {
    head: [first, 'CAUSE', 'FROM', 'TO', 'OUTCOME', 'WHEN', 'WHY'],
    rows: rollouts.map((rollout): Cell[] => {
      const { metadata, spec, status } = rollout;
      const versionOf = (revision: string) => ({ text: versions.get(revision) ?? revision });
      return [
        { text: ofOneService ? String(numberOf(rollout) || metadata.name) : metadata.name },
        { text: spec.cause },
        versionOf(spec.from?.revision ?? ''),
        versionOf(spec.to.revision),
        { text: phaseWords(rollout), colour: COLOURS[phaseOf(rollout)] },
        { text: age(status?.history?.[0]?.at ?? metadata.creationTimestamp, now) },
        { text: healthOf(rollout).message },
      ];
    }),
  };
}
