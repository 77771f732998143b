/** Why ONNX Runtime could not open a model, in words that say what to do. Its own are for the log: they hold paths. */
import type { SessionSettings } from './messages.ts';

const ASKED = 'its settings ask for device cuda';
const OR_CPU = 'or set device: cpu';

/** @param detail what ONNX Runtime said. @param platform such as `linux-x64`. */
export function loadFailure(device: SessionSettings['device'], detail: string, platform: string): string {
  if (device === 'cpu') return 'the file is no ONNX model that this server can open';
  if (platform !== 'linux-x64') return `${ASKED}, which there is for Linux on x64 alone; use such a node, ${OR_CPU}`;
  if (NO_LIBRARY.test(detail))
    return `${ASKED}, and its libraries cannot be loaded here; use an image with ONNX Runtime's CUDA provider, CUDA 12 and cuDNN 9 (what is missing is on the standard error of the server), ${OR_CPU}`;
  if (NO_GPU.test(detail))
    return `${ASKED}, and no GPU can be used here; give the pod one (limits: nvidia.com/gpu: 1) on a node whose driver knows CUDA 12, ${OR_CPU}`;
  return 'the file is no ONNX model that this server can open with device cuda';
}

const NO_LIBRARY = /failed to load (shared )?library|cannot open shared object|backend not found/i;
/** Errors 35 and 100 of CUDA: a driver that is too old, and no device. */
const NO_GPU = /CUDA (failure|error) (35|100)\b|driver version is insufficient|no CUDA-capable device/i;
