/** `fork`ed by start-scorer.ts with the path of a model: answers each question with what an output says of its rows. May well crash. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Question, Reply } from './start-scorer.ts';

const FATAL_ONLY = 4;

const loading = InferenceSession.create(process.argv[2] ?? '', {
  logSeverityLevel: FATAL_ONLY,
  // The container's limit is not known to ONNX Runtime, which would take a thread a core of the node; and with one thread a sum is
  // always added up in the same order.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});
// Told with the first question.
loading.catch(() => {});

async function answer({ inputs, output }: Question): Promise<Reply> {
  try {
    const session = await loading;
    const feeds = inputs.map(
      // What may be an element of which type is not in the constructor's types: elements.ts sees to it.
      ({ name, dtype, dims, data }) => [name, new Tensor(dtype.toLowerCase() as 'float32', data as Float32Array, dims)],
    );
    const { [output]: tensor } = await session.run(Object.fromEntries(feeds), [output]);
    if (tensor === undefined) return { problem: `it has no output ${output}` };
    return { answer: { dims: tensor.dims, data: tensor.data as Float32Array } };
  } catch (cause) {
    return { problem: (cause as Error).message };
  }
}

process.on('message', (question: Question) => {
  void answer(question).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit());
