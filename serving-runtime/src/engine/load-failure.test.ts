import { expect, it } from 'vitest';
import { loadFailure } from './load-failure.ts';

const APPEND = 'Error: OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
const NO_DEVICE =
  'Error: CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=a ; file=/a/cuda_execution_provider.cc ; line=280 ; expr=cudaSetDevice(info_.device_id);';
const OLD_DRIVER = 'Error: CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0';
const BROKEN = 'Error: Load model from /models/cuda-provider/1/model.onnx failed:Protobuf parsing failed.';

it.each([
  ['a broken file', 'cpu', BROKEN, 'linux-x64', /^the file is no ONNX model that this server can open$/],
  ['libraries that are not there', 'cuda', APPEND, 'linux-x64', /libraries cannot be loaded here; use an image with/],
  ['no GPU', 'cuda', NO_DEVICE, 'linux-x64', /no GPU can be used here; give the pod one/],
  ['an old driver', 'cuda', OLD_DRIVER, 'linux-x64', /a node whose driver knows CUDA 12/],
  ['a broken file, whatever its name', 'cuda', BROKEN, 'linux-x64', /^the file is no ONNX model .* with device cuda$/],
  ['another platform', 'cuda', 'no available backend found.', 'linux-arm64', /for Linux on x64 alone/],
] as const)('says what to do about %s', (...[, device, detail, platform, words]) => {
  const message = loadFailure(device, detail, platform);

  expect(message).toMatch(words);
  // Clients read it, too.
  expect(message).not.toMatch(/\/models|\.cc|hostname/);
});
