import { stat } from 'node:fs/promises';
import type { VerifyModelRequest, VerifyModelResult } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { digestOf } from '@slipway/crds/digest';
import { pathInStore } from '../files/store-path.ts';
import { onnxFileOf } from '../model/find-model.ts';
import { openModel } from '../model/open-model.ts';
import { digestMismatch } from './fetch.ts';

/** Checks that the bytes of a model are those that its digest names, and that it can be opened, if it is one that we open. */
export async function verifyModel({ dir, digest, format }: VerifyModelRequest): Promise<VerifyModelResult> {
  const bytes = await verifyBytes({ dir, digest });
  if (format !== 'Onnx') return { ok: true, digest, bytes };
  const signature = await openModel(await onnxFileOf(dir));
  return { ok: true, digest, bytes, signature };
}

/** How many there are. @throws {BatchError} */
export async function verifyBytes({ dir, digest }: Pick<VerifyModelRequest, 'dir' | 'digest'>): Promise<number> {
  await stat(dir).catch(() => {
    throw new BatchError(
      'FileNotFound',
      `There is no ${pathInStore(dir)} in the Store; put the model there, or name where it is`,
    );
  });
  const found = await digestOf(dir);
  if (found.digest !== digest) throw digestMismatch(dir, digest, found.digest);
  return found.bytes;
}
