/** One session of one model, in a thread or a process of its own. Started by `channel.ts`. */
import { getPriority, setPriority } from 'node:os';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
// oxlint-disable-next-line import/no-unassigned-import -- being imported first is all that it does
import './hide-float16-array.ts';
import { END } from './messages.ts';
import type { InstanceMessage, RunMessage, SessionSettings } from './messages.ts';
import { openSession } from './session.ts';
import { buffersOf } from './tensor-memory.ts';

const settings = (isMainThread ? JSON.parse(process.argv[2] ?? '{}') : workerData) as SessionSettings;

function post(message: InstanceMessage): void {
  if (isMainThread) process.send?.(message);
  else parentPort?.postMessage(message, message.kind === 'done' ? buffersOf(message.outputs) : []);
}

function listen(onMessage: (message: RunMessage) => void): void {
  if (!isMainThread) {
    parentPort?.on('message', (message: RunMessage | typeof END) => {
      if (message === END) process.exit(0);
      else onMessage(message);
    });
    return;
  }
  process.on('message', onMessage);
  process.on('disconnect', () => process.exit(0));
}

/**
 * Lets the thread that answers the network go first where there are fewer cores than work: a health check then waits for no inference.
 * On Linux 0 stands for this thread; those that ONNX Runtime starts afterwards inherit it.
 */
function yieldToNetwork(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, Math.min(LOWEST_PRIORITY, getPriority(0) + PRIORITY_STEP));
  } catch {
    // A sandbox may forbid it; the model runs all the same.
  }
}
const LOWEST_PRIORITY = 19;
const PRIORITY_STEP = 5;

yieldToNetwork();
const { message, session } = await openSession(settings);
post(message);
if (session !== undefined) listen((run) => void session.run(run).then(post));
