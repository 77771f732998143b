/** What the network thread and an instance tell each other. */
import type { Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';

/** Of all outputs of one run. */
export const MAX_RESULT_BYTES = 512 * 1024 * 1024;

export interface SessionSettings {
  readonly path: string;
  readonly threads: number;
  readonly device: 'cpu' | 'cuda';
}

export interface RunMessage {
  readonly id: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
}

/** Tells an instance to go, once it has done what it does. */
export const END = 'end';

export type LoadMessage =
  | { readonly kind: 'loaded'; readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }
  /** `detail` is ONNX Runtime's own text: for the log, never for a client. */
  | { readonly kind: 'loadFailed'; readonly reason: string; readonly detail: string };

export type RunResultMessage =
  | { readonly kind: 'done'; readonly id: number; readonly outputs: readonly Tensor[]; readonly microseconds: number }
  | { readonly kind: 'runFailed'; readonly id: number; readonly detail: string; readonly isTooLarge: boolean };

export type InstanceMessage = LoadMessage | RunResultMessage;
