/** A model's configuration in the terms of Triton's model_config.proto, as far as they mean something here. */
import type { ModelVersion } from '../engine/model-version.ts';
import { PLATFORM } from '../protocol/inference.ts';
import type { TensorSpec } from '../protocol/inference.ts';

export function modelConfig({ entry, settings, signature, batchRows }: ModelVersion) {
  // What steps take and give need not have a dimension of rows.
  const isBatched = batchRows > 1 && settings.steps === undefined;
  // With a largest batch, the dimension of the rows is not among the others.
  const values = (specs: readonly TensorSpec[]) =>
    specs.map(({ name, datatype, shape }) => ({
      name,
      data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`,
      dims: isBatched ? shape.slice(1) : shape,
    }));
  return {
    name: entry.name,
    platform: PLATFORM,
    backend: 'onnxruntime',
    max_batch_size: isBatched ? batchRows : 0,
    input: values(signature.inputs),
    output: values(signature.outputs),
    instance_group: [
      { name: entry.name, kind: settings.device === 'cuda' ? 'KIND_GPU' : 'KIND_CPU', count: settings.instances },
    ],
    ...(isBatched ? { dynamic_batching: {} } : {}),
    ...(settings.cacheBytes > 0 ? { response_cache: { enable: true } } : {}),
  };
}
