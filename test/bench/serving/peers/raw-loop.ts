/**
 * The most that ONNX Runtime gives a thread of Node: the same run again and again, with nothing around it. Arguments: the model's file,
 * the input's name, its shape (JSON), milliseconds. Tells its rows a second, and the CPU time of each.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [path = '', input = '', shapeText = '[]', milliseconds = '0'] = process.argv.slice(2);
const shape = JSON.parse(shapeText) as number[];
const session = await InferenceSession.create(path, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionProviders: ['cpu'],
});
const count = shape.reduce((product, size) => product * size, 1);
const feeds = {
  [input]: new Tensor(
    'float32',
    Float32Array.from({ length: count }, (_, index) => Math.abs(Math.sin(index * 78.233))),
    shape,
  ),
};

async function loop(duration: number): Promise<number> {
  const end = performance.now() + duration;
  let runs = 0;
  while (performance.now() < end) {
    await session.run(feeds);
    runs += 1;
  }
  return runs;
}

await loop(Number(milliseconds) / 4);
const started = performance.now();
const before = process.cpuUsage();
const rows = (await loop(Number(milliseconds))) * (shape[0] ?? 1);
const { user, system } = process.cpuUsage(before);
process.send?.({
  rowsPerSecond: (rows * 1000) / (performance.now() - started),
  cpuMicroseconds: (user + system) / rows,
});
process.disconnect?.();
