/** Who is told of requests: the access log, traces, a sample of what was asked and answered. */
import type { RunTimes } from '../engine/job.ts';
import type { Tensor } from '../protocol/datatypes.ts';
import type { RequestError } from '../protocol/errors.ts';
import { createRecord } from './request-record.ts';
import type { RequestFacts, RequestRecord } from './request-record.ts';

/** Nothing of it may take long: the request waits. */
export interface RequestWatcher {
  began?(record: RequestRecord): void;
  /** Told before the model takes the memory of the inputs. Returns who is told how it ended. */
  inferenceBegan?(record: RequestRecord, inference: InferenceStart): InferenceEnded | undefined;
  /** @param status of HTTP, or of gRPC where that is the protocol. */
  ended(record: RequestRecord, status: number): void;
}

export interface InferenceStart {
  /** Given or made. */
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly inputs: readonly Tensor[];
}

export type InferenceEnded = (end: InferenceEnd) => void;

export interface InferenceEnd {
  readonly milliseconds: number;
  /** undefined where it failed. */
  readonly outputs: readonly Tensor[] | undefined;
  readonly failure: RequestError | undefined;
  /** undefined where the model did not run for it. */
  readonly times: RunTimes | undefined;
}

export interface RequestObserver {
  begin(facts: RequestFacts): RequestRecord;
  end(record: RequestRecord, status: number): void;
}

/** Tells all of them, in their order; undefined where there is nobody to tell. */
export function createObserver(watchers: readonly (RequestWatcher | undefined)[]): RequestObserver | undefined {
  const all = watchers.filter((watcher) => watcher !== undefined);
  if (all.length === 0) return undefined;
  return {
    begin: (facts) => {
      const record = createRecord(facts, all);
      for (const watcher of all) watcher.began?.(record);
      return record;
    },
    end: (record, status) => {
      for (const watcher of all) watcher.ended(record, status);
    },
  };
}

export function isFailure({ protocol }: RequestRecord, status: number): boolean {
  return protocol === 'grpc' ? status !== 0 : status >= 400;
}

/** An inference of a request that is watched. */
export interface InferenceWatch {
  timed(times: RunTimes): void;
  ended(result: Pick<InferenceEnd, 'outputs' | 'failure'>): void;
}

/** Of an id in a body, which may be as long as that. */
const MAX_ID_LENGTH = 128;

export function watchInference(record: RequestRecord, inference: InferenceStart): InferenceWatch {
  const started = performance.now();
  record.requestId ??= inference.id.slice(0, MAX_ID_LENGTH);
  record.model = inference.model;
  record.version = inference.version;
  record.rows += inference.inputs[0]?.shape[0] ?? 0;
  const told = record.watchers.map((watcher) => watcher.inferenceBegan?.(record, inference));
  let times: RunTimes | undefined;
  return {
    timed: (given) => {
      times = given;
    },
    ended: (result) => {
      const milliseconds = performance.now() - started;
      record.inferenceMs += milliseconds;
      for (const tell of told) tell?.({ ...result, milliseconds, times });
    },
  };
}
