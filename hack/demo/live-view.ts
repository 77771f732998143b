/** Shows what each object waits for, live on a terminal, a line a change elsewhere, until something is so. */
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { SlipwayCluster } from '../slipway/slipway-cluster.ts';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export interface SlipwayObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** The order in which objects come to life. */
const KINDS = [
  'Store',
  'FeatureSet',
  'Dataset',
  'DatasetVersion',
  'Model',
  'TrainingJob',
  'ModelVersion',
  'Approval',
  'ModelAlias',
  'InferenceService',
];
const POLL_MS = 1_000;

export function condition(object: SlipwayObject | undefined, type: string): Condition | undefined {
  if (object?.status?.observedGeneration !== object?.metadata.generation) return undefined;
  return object?.status?.conditions?.find((candidate) => candidate.type === type);
}

/** @returns what `done` found. Rejects when an object is stalled, with its own words, or after `timeoutMs`. */
export async function watchUntil<T>(
  cluster: SlipwayCluster,
  done: (objects: readonly SlipwayObject[]) => T | undefined,
  timeoutMs: number,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  const view = createView();
  for (;;) {
    const { items } = await cluster.json<{ items: SlipwayObject[] }>(['get', 'slipway']);
    const objects = items.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
    view.show(objects.map(describeObject));
    const found = done(objects);
    if (found !== undefined) return found;
    const stalled = objects.find((object) => condition(object, 'Stalled')?.status === 'True');
    if (stalled !== undefined)
      throw new Error(`${stalled.kind} ${stalled.metadata.name}: ${condition(stalled, 'Stalled')?.message}`);
    if (Date.now() > deadline)
      throw new Error(`not done after ${timeoutMs / 60_000} minutes; kubectl describe says what it waits for`);
    await sleep(POLL_MS);
  }
}

interface Line {
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly ready: boolean;
}

function describeObject(object: SlipwayObject): Line {
  const ready = condition(object, 'Ready');
  const { kind, metadata } = object;
  return {
    name: `${kind} ${metadata.name}`,
    state: ready?.reason ?? 'New',
    message: ready?.message ?? '',
    ready: ready?.status === 'True',
  };
}

interface View {
  show(lines: readonly Line[]): void;
}

function createView(): View {
  return process.stdout.isTTY ? liveView(process.stdout.columns || 120) : changeLog();
}

function format({ name, state, message, ready }: Line, width: number): string {
  const text = `${ready ? '✓' : '·'} ${name.padEnd(42)} ${state.padEnd(22)} ${message}`;
  const cut = text.length > width - 2 ? `${text.slice(0, width - 3)}…` : text;
  return ready ? styleText('green', cut) : cut;
}

/** Draws over what it drew before. */
function liveView(width: number): View {
  let drawn = 0;
  return {
    show: (lines) => {
      const up = drawn > 0 ? `\u001b[${drawn}A` : '';
      process.stdout.write(`${up}${lines.map((line) => `\u001b[2K  ${format(line, width)}\n`).join('')}`);
      drawn = lines.length;
    },
  };
}

function changeLog(): View {
  const seen = new Map<string, string>();
  return {
    show: (lines) => {
      for (const line of lines.filter(({ name, state }) => seen.get(name) !== state)) {
        seen.set(line.name, line.state);
        console.log(`  ${format(line, 160)}`);
      }
    },
  };
}
