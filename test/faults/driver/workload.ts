import type { DeepReadonly, Pod } from '@slipway/kube';
import type { PodFate } from '../../apiserver/operator/kubelet.ts';
import type { Json } from './api.ts';
import type { Moment } from './moments.ts';

/** What a workload may do and see: one namespace, straight at the API server. */
export interface World {
  readonly namespace: string;
  get(kind: string, name: string): Json | undefined;
  objects(): readonly Json[];
  /** As a person does: server-side apply with a field manager of its own. Rejects when the API server refuses. */
  apply(kind: string, name: string, rest: object): Promise<void>;
  /** As `kubectl replace` does: what the spec does not have is gone. Rejects when the API server refuses. */
  replace(kind: string, name: string, spec: object): Promise<void>;
  /** As `kubectl scale` and autoscalers do. */
  scale(kind: string, name: string, replicas: number): Promise<void>;
  /** Clients ask the service, so many at a time from now on, until the run ends. */
  ask(service: string, atATime: number): void;
  /** Where a model server at the address of this machine takes requests and never answers: for a ServingRuntime. */
  silentPort(): number;
  delete(kind: string, name: string): Promise<void>;
  /** Installs the definition of a kind, or changes it, for all namespaces. */
  define(name: string, definition: object): Promise<void>;
  /** With all that is in it. */
  deleteNamespace(): Promise<void>;
}

export interface Step {
  readonly name: string;
  /** The name of an earlier step: all that was there then must be as it was, whatever happened in between. */
  readonly restores?: string;
  /**
   * It only sets the scene, with what other workloads do step by step: those try what goes wrong in it, and here is tried only what
   * reaches into a later step. Such steps come first. Default false.
   */
  readonly setsScene?: boolean;
  /** Nothing may change in the namespace after this, and the program is started again to see that it stays so. Default false. */
  readonly writesNothing?: boolean;
  /** Everything goes, in the order that Kubernetes likes: what must hold at each moment of a run does not count any more. Default false. */
  readonly endsAll?: boolean;
  act(world: World): Promise<void>;
  /** What is not yet as this step must leave it; undefined once all is. */
  pending(world: World): string | undefined;
  /** What is wrong at a moment of this step; undefined where it is as it must be from the first to the last. */
  readonly always?: (moment: Moment) => string | undefined;
}

/** A story that people make happen; the faults strike while the operator follows. A file in `workloads/` exports one. */
export interface Workload {
  readonly name: string;
  readonly steps: readonly Step[];
  /** What becomes of pods of its own; the others succeed, or run. */
  readonly pods?: (pod: DeepReadonly<Pod>) => PodFate | undefined;
  /** It changes what all namespaces share, so nothing may run beside it. Default false. */
  readonly alone?: boolean;
  /** Gives back what all namespaces share, however the run ended. */
  readonly cleanUp?: (world: World) => Promise<void>;
  /** How many of the plans that disturb one write the short set takes. Default 2. */
  readonly sampled?: number;
  /** ModelVersions that the operator is to delete, by `retention` of their Model. Default: none. */
  readonly retires?: readonly string[];
  /** Beginnings of the names of plans that have shown a defect of ours: the short set takes the first of each, every time. */
  readonly regressions?: readonly string[];
}

/** Why an object's condition is not yet so; undefined when it is, for the present generation. */
export function awaitsCondition(
  object: Json | undefined,
  type: string,
  status: string,
  reason?: string,
): string | undefined {
  if (object === undefined) return `no object that could be ${type}=${status}`;
  const { generation, name } = object.metadata;
  const { observedGeneration, conditions = [] } = (object.status ?? {}) as {
    observedGeneration?: number;
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
  const who = `${object.kind} ${name}`;
  if (observedGeneration !== generation) return `${who}: generation ${generation}, observed ${observedGeneration}`;
  const found = conditions.find((condition) => condition.type === type);
  if (found?.status === status && (reason === undefined || found.reason === reason)) return undefined;
  const is = found === undefined ? 'is missing' : `is ${found.status} ${found.reason}: ${found.message}`;
  return `${who}: ${type} ${is}; wanted ${status} ${reason ?? ''}`.trim();
}

export function firstOf(...problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
