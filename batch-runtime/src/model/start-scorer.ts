/** Runs a model in a process of its own, so that one that breaks ONNX Runtime, or keeps it busy for ever, ends only that. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { FilledInput } from '../evaluate/fill-inputs.ts';
import type { Answer } from '../evaluate/read-answers.ts';
import { BatchError } from '../failure.ts';

export interface Question {
  readonly inputs: readonly FilledInput[];
  readonly output: string;
}

export type Reply = { readonly answer: Answer } | { readonly problem: string };

export interface Scorer {
  /** One question at a time. @throws {BatchError} ModelInvalid */
  score(question: Question): Promise<Answer>;
  close(): void;
}

/** For one batch of rows, and for loading the model before the first. */
const TIMEOUT_MS = 300_000;

/** @param file the .onnx file. @param model its name, for what is said. */
export function startScorer(model: string, file: string): Scorer {
  const child = fork(join(import.meta.dirname, 'score-program.ts'), [file], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const kill = () => child.kill('SIGKILL');
  // A run of a model hears nothing, not even that its parent has ended.
  process.once('exit', kill);
  let ended: Error | undefined;
  let waiting: PromiseWithResolvers<Answer> | undefined;

  const end = (error: Error) => {
    ended ??= error;
    waiting?.reject(ended);
    kill();
  };
  child.on('message', (reply: Reply) => {
    if ('answer' in reply) waiting?.resolve(reply.answer);
    else
      end(new BatchError('ModelInvalid', `The model ${model} cannot be run on these rows: ${readable(reply.problem)}`));
  });
  child.on('error', end);
  child.on('exit', (code, signal) => end(endOf(model, code, signal)));

  return {
    score: async (question) => {
      if (ended !== undefined) throw ended;
      waiting = Promise.withResolvers<Answer>();
      const timer = setTimeout(() => {
        end(new BatchError('ModelInvalid', `The model ${model} did not answer within ${TIMEOUT_MS / 1000} s`));
      }, TIMEOUT_MS);
      child.send(question);
      return waiting.promise.finally(() => clearTimeout(timer));
    },
    close: () => {
      process.removeListener('exit', kill);
      end(new Error(`the model ${model} was closed`));
    },
  };
}

/** Nobody but the kernel kills it, and that for memory: a limit is to be raised, and another pod may have more. */
function endOf(model: string, code: number | null, signal: string | null): Error {
  if (signal === 'SIGKILL') {
    return new Error(`the process of the model ${model} was killed: raise resources.limits.memory`);
  }
  const how = signal ?? `exit code ${code}`;
  return new BatchError(
    'ModelInvalid',
    `The model ${model} ended the process that ran it (${how}); run it with onnxruntime on rows of this dataset, and export it again`,
  );
}

/** What ONNX Runtime says without the places in its own source. */
function readable(problem: string): string {
  return problem
    .replaceAll(/\S+\.(cc|h):\d+\s*/g, '')
    .replaceAll(/\S*onnxruntime::\S*\s*/g, '')
    .slice(0, 400);
}
