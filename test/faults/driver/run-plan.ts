/** One run: a fresh namespace, the program under test behind the proxy, the workload's steps, the faults of one plan, the oracles. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFaultProxy } from '../proxy/fault-proxy.ts';
import type { FaultProxy } from '../proxy/fault-proxy.ts';
import type { Entry } from '../proxy/journal.ts';
import type { Plan } from '../proxy/plan.ts';
import { deletesOfProduced, JOURNAL_ORACLES } from '../oracles/journal-oracles.ts';
import { foundBy } from '../oracles/problem.ts';
import type { Problem } from '../oracles/problem.ts';
import { adopted, contradictions, createdCounts, createdTooOften, reusedNumbers } from '../oracles/state-oracles.ts';
import type { CreatedCounts } from '../oracles/state-oracles.ts';
import { createAsking } from './asking.ts';
import type { Traffic } from './asking.ts';
import { problemsAtMoments } from './at-moments.ts';
import type { Bench } from './bench.ts';
import { maskState, notRestored, stateDifferences } from './masking.ts';
import type { MaskedState } from './masking.ts';
import { createWorld, releaseObject } from './namespace.ts';
import { restProblems, settle } from './settle.ts';
import type { Timing } from './settle.ts';
import { createSubject } from './subject.ts';
import type { Subject, SubjectCommand } from './subject.ts';
import type { Step, Workload, World } from './workload.ts';

export interface RunOptions {
  readonly namespace: string;
  readonly workload: Workload;
  readonly plan: Plan;
  /** What a fault-free run ended in; absent while that is found out. */
  readonly reference?: Reference;
  readonly subject: (at: { readonly kubeconfigPath: string; readonly namespace: string }) => SubjectCommand;
  /** Does the namespace stay as it is when the program is started again after this step? */
  readonly checksRest: (step: Step) => boolean;
  readonly restartDelayMs?: number;
  /** Where clients can ask, if they can. */
  readonly traffic?: Traffic | undefined;
  readonly timing: Timing;
}

export interface Reference {
  /** By step. */
  readonly states: Readonly<Record<string, MaskedState>>;
  readonly created: CreatedCounts;
}

export interface RunResult extends Reference {
  readonly plan: Plan;
  readonly workload: string;
  /** Empty: everything held. */
  readonly problems: readonly Problem[];
  /** How many entries the journal had when the last step that sets the scene had settled; 0 where none does. */
  readonly sceneEntries: number;
  /** False: the moment of one of the plan's faults never came, so the run has shown nothing about it. */
  readonly struck: boolean;
  readonly journal: readonly Entry[];
  readonly log: string;
  readonly seconds: number;
}

export async function runPlan(bench: Bench, options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const { namespace, plan, workload } = options;
  await bench.namespaces.create(namespace);
  const kubeconfigPath = join(bench.plane.folder, `${namespace}.kubeconfig`);
  const subject = createSubject(options.subject({ kubeconfigPath, namespace }));
  const proxy: FaultProxy = await startFaultProxy({
    upstream: bench.upstream,
    certificate: bench.certificate,
    plan,
    kill: async () => {
      await subject.kill();
      proxy.journal.nextIncarnation();
      setTimeout(() => subject.start(), options.restartDelayMs ?? 0);
    },
  });
  writeFileSync(kubeconfigPath, proxy.kubeconfig(bench.token), { mode: 0o600 });
  const { traffic } = options;
  const asking = traffic && createAsking(traffic);
  const world = createWorld(bench, namespace, asking && { ask: asking.ask, silentPort: traffic.silentPort });
  try {
    subject.start();
    const { states, sceneEntries, problems } = await runSteps(bench, options, { world, subject, proxy });
    const ended = await subject.stop();
    const created = createdCounts(bench.observer.history(namespace));
    return {
      plan,
      workload: workload.name,
      states,
      sceneEntries,
      created,
      problems: [
        ...problems,
        ...foundBy('exit', ended === 'code 0, signal null' ? [] : [`after SIGTERM it ended with ${ended}`]),
        ...foundBy('crash', subject.crashes),
        ...Object.entries(JOURNAL_ORACLES).flatMap(([name, check]) =>
          foundBy(name, check(proxy.journal.entries, workload.steps.length)),
        ),
        ...foundBy('deletesOfProduced', deletesOfProduced(proxy.journal.entries, workload.retires ?? [])),
        ...foundBy('reusedNumbers', reusedNumbers(bench.observer.history(namespace))),
        ...(options.reference === undefined || isLate(plan)
          ? []
          : foundBy('createdTooOften', createdTooOften(options.reference.created, created))),
      ],
      struck: plan.faults.every((fault) => proxy.struck.includes(fault)),
      journal: proxy.journal.entries,
      log: subject.log(),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await subject.kill();
    await proxy.close();
    asking?.stop();
    await workload.cleanUp?.(world);
    rmSync(kubeconfigPath, { force: true });
    // Nobody is left to take them off: the namespace would never end.
    const held = bench.observer.objects(namespace).filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
    for (const object of held) await releaseObject(bench.api, object);
    bench.observer.forget(namespace);
    await bench.namespaces.delete(namespace);
  }
}

/** A create that comes late, when its owner is gone, makes the object once more; the garbage collector then takes it. */
function isLate(plan: Plan): boolean {
  return plan.faults.some(({ action }) => action.kind === 'lateWrite');
}

interface StepsResult {
  readonly states: Readonly<Record<string, MaskedState>>;
  readonly sceneEntries: number;
  readonly problems: readonly Problem[];
}

interface Running {
  readonly world: World;
  readonly subject: Subject;
  readonly proxy: FaultProxy;
}

async function runSteps(bench: Bench, options: RunOptions, { world, subject, proxy }: Running): Promise<StepsResult> {
  const { namespace, workload, reference, timing } = options;
  const states: Record<string, MaskedState> = {};
  let sceneEntries = 0;
  const last = workload.steps.at(-1);
  for (const step of workload.steps) {
    const at = (oracle: string, lines: readonly string[]) =>
      foundBy(
        oracle,
        lines.map((line) => `${step.name}: ${line}`),
      );
    const heldBefore = proxy.held();
    const changedBefore = bench.observer.changes(namespace).length;
    await step.act(world);
    const unsettled =
      (await settle(bench.observer, step, world, { proxy, timing })) ??
      (await settleAfterLateWrites(bench, step, world, { proxy, timing, wanted: heldBefore, isLast: step === last }));
    const atMoments = () =>
      problemsAtMoments(bench.observer.changes(namespace), step, { from: changedBefore, isLate: isLate(options.plan) });
    if (unsettled !== undefined)
      return { states, sceneEntries, problems: [...at('convergence', [unsettled]), ...atMoments()] };
    const objects = world.objects();
    const state = maskState(objects, namespace, bench.observer.history(namespace));
    states[step.name] = state;
    const wanted = reference?.states[step.name];
    const problems = [
      ...at('adopted', adopted(objects)),
      ...at('contradictions', contradictions(objects)),
      ...at('sameState', wanted === undefined ? [] : stateDifferences(wanted, state)),
      ...at('restored', step.restores === undefined ? [] : notRestored(states[step.restores] ?? {}, state)),
      ...at(
        'writesNothing',
        step.writesNothing === true && !isLate(options.plan) ? changesSince(bench, namespace, changedBefore) : [],
      ),
      ...atMoments(),
      ...at('rest', await restOf(bench, options, { step, subject, proxy })),
    ];
    if (problems.length > 0) return { states, sceneEntries, problems };
    if (step.setsScene === true) sceneEntries = proxy.journal.entries.length;
  }
  return { states, sceneEntries, problems: [] };
}

function restOf(
  bench: Bench,
  { checksRest, namespace, timing }: RunOptions,
  { step, subject, proxy }: { readonly step: Step; readonly subject: Subject; readonly proxy: FaultProxy },
): Promise<string[]> | [] {
  return checksRest(step) || step.writesNothing === true
    ? restProblems(bench.observer, namespace, { subject, proxy, timing })
    : [];
}

function changesSince({ observer }: Bench, namespace: string, index: number): string[] {
  return observer
    .changes(namespace)
    .slice(index)
    .map(({ what }) => `this changed: ${what}`);
}

interface LateWrites {
  readonly proxy: FaultProxy;
  readonly timing: Timing;
  /** How many were held before this step began: those are late by a whole step, when the world has moved on. */
  readonly wanted: number;
  readonly isLast: boolean;
}

/** Lets what the plan kept back land now, and waits until its traces are gone. */
async function settleAfterLateWrites(
  bench: Bench,
  step: Step,
  world: World,
  { proxy, timing, wanted, isLast }: LateWrites,
): Promise<string | undefined> {
  if (proxy.held() === 0 || (wanted === 0 && !isLast)) return undefined;
  const codes = await proxy.release();
  const problem = await settle(bench.observer, step, world, { proxy, timing });
  return problem === undefined ? undefined : `after a late write (answered ${codes.join(', ')}): ${problem}`;
}
