/** Opens a model in a process of its own: a file that breaks ONNX Runtime, or keeps it busy for ever, ends only that. */
import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import type { TensorSpec } from '@slipway/crds';
import { checkExternalData, ExternalDataError } from '@slipway/crds/external-data';
import { BatchError } from '../failure.ts';

export interface ModelSignature {
  readonly inputs: TensorSpec[];
  readonly outputs: TensorSpec[];
}

const TIMEOUT_MS = 120_000;

/** @param path of the .onnx file; external data is found beside it, and nowhere else. @throws {BatchError} ModelInvalid */
export async function openModel(path: string): Promise<ModelSignature> {
  await checkExternalData(path).catch((cause: unknown) => {
    if (!(cause instanceof ExternalDataError)) throw cause;
    if (cause.kind === 'unreadable') throw new BatchError('ModelInvalid', cause.message, { cause });
    const isAlone = cause.kind === 'missing' && basename(path) === 'model.onnx';
    const hint = isAlone ? '; write the model and its data to a folder model/' : '';
    throw new BatchError('ModelInvalid', `The model cannot be used: ${cause.message}${hint}`, { cause });
  });
  return readSignature(path);
}

function readSignature(path: string): Promise<ModelSignature> {
  const program = join(import.meta.dirname, 'read-signature.ts');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, path], { timeout: TIMEOUT_MS, maxBuffer: 4 << 20 }, (cause, stdout) => {
      const answer = parse(stdout);
      if (cause === null && answer?.signature !== undefined) return resolve(answer.signature);
      reject(
        new BatchError(
          'ModelInvalid',
          answer?.problem ?? 'the file could not be opened by ONNX Runtime: it is broken, or no ONNX model',
        ),
      );
    });
  });
}

interface Answer {
  readonly signature?: ModelSignature;
  readonly problem?: string;
}

function parse(stdout: string): Answer | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer;
  } catch {
    return undefined;
  }
}
