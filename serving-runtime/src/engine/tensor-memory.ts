import type { Tensor } from '../protocol/datatypes.ts';

/**
 * The memory of tensors that are not used again on this side, so that it moves to another thread instead of being copied. What both
 * sides share stays where it is.
 */
export function buffersOf(tensors: readonly Tensor[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors)
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return [...buffers];
}

/** Whether nobody else's values lie in the memory of these, so that it may be given away. */
export function ownsMemory(tensors: readonly Tensor[]): boolean {
  return tensors.every(({ data }) => !ArrayBuffer.isView(data) || data.byteLength === data.buffer.byteLength);
}
