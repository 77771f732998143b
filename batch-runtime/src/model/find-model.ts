import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchError } from '../failure.ts';
import { regularFiles } from '@slipway/crds/digest';

/** A model in a folder: which folder or file is the artifact, and the .onnx file to open in it. */
export interface FoundModel {
  readonly artifact: string;
  readonly onnxFile: string;
}

/** What a training wrote: `model.onnx`, or a folder `model/` with one .onnx file and its external data. */
export async function findTrainedModel(runDir: string): Promise<FoundModel> {
  const names = await readdir(runDir).catch(() => {
    throw new BatchError(
      'OutputMissing',
      'The training left no output in the Store; did its container end before its output could be taken?',
    );
  });
  const found = ['model.onnx', 'model'].filter((name) => names.includes(name));
  const strays = names.filter((name) => name.endsWith('.onnx') && name !== 'model.onnx');
  const all = [...found, ...strays];
  if (all.length > 1)
    throw new BatchError(
      'ModelAmbiguous',
      `The training wrote more than one model (${all.join(', ')}); leave one: model.onnx, or a folder model/`,
    );
  if (found[0] === undefined) {
    const hint =
      strays[0] === undefined ? `there is: ${names.join(', ') || 'nothing'}` : `rename ${strays[0]} to model.onnx`;
    throw new BatchError(
      'ModelMissing',
      `The training wrote neither model.onnx nor model/ to $SLIPWAY_OUTPUT_DIR; ${hint}`,
    );
  }
  const artifact = join(runDir, found[0]);
  if ((await lstat(artifact)).isSymbolicLink())
    throw new BatchError('ModelInvalid', `${found[0]} is a link; write the file itself`);
  return { artifact, onnxFile: await onnxFileOf(artifact) };
}

/** The .onnx file of an artifact that is a file or a folder with exactly one. */
export async function onnxFileOf(artifact: string): Promise<string> {
  if (!(await lstat(artifact)).isDirectory()) return artifact;
  const files = (await regularFiles(artifact)).filter((name) => name.endsWith('.onnx'));
  const [only, second] = files;
  if (only === undefined) throw new BatchError('ModelMissing', 'The folder of the model holds no .onnx file');
  if (second !== undefined)
    throw new BatchError('ModelAmbiguous', `The folder of the model holds ${files.length} .onnx files; leave one`);
  return join(artifact, only);
}
