/**
 * Where an instance runs: a thread, which shares memory, a process, which can be killed, or here, which wakes nobody. All speak the
 * same messages.
 */
import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { END } from './messages.ts';
import type { InstanceMessage, RunMessage, SessionSettings } from './messages.ts';
import { buffersOf } from './tensor-memory.ts';

export type Isolation = 'thread' | 'process' | 'none';

export interface Channel {
  /** Takes the memory of the inputs. */
  send(message: RunMessage): void;
  onMessage(listener: (message: InstanceMessage) => void): void;
  /** Settles when the other side is gone, by `end` or by itself. */
  readonly ended: Promise<void>;
  /** A thread goes when the run that it is in returns, however long that takes; a process is gone at once. */
  end(): void;
}

export function openChannel(isolation: Isolation, settings: SessionSettings): Channel {
  if (isolation === 'process') return openProcess(settings);
  return isolation === 'thread' ? openThread(settings) : openHere(settings);
}

const MAIN = new URL('./inference-worker.ts', import.meta.url);

function openThread(settings: SessionSettings): Channel {
  const worker = new Worker(MAIN, { workerData: settings });
  worker.on('error', () => {}); // 'exit' follows, and tells all that matters
  return {
    send: (message) => worker.postMessage(message, buffersOf(message.inputs)),
    onMessage: (listener) => void worker.on('message', listener),
    ended: new Promise((resolve) => worker.once('exit', () => resolve())),
    // Never `terminate`: ONNX Runtime's binding ends the whole process when its thread is taken away while a model runs.
    end: () => worker.postMessage(END, []),
  };
}

function openProcess(settings: SessionSettings): Channel {
  const child = fork(MAIN, [JSON.stringify(settings)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.on('error', () => {}); // a message that could not be sent; 'exit' follows
  return {
    send: (message) => void child.send(message, () => {}),
    onMessage: (listener) => void child.on('message', (message) => listener(message as InstanceMessage)),
    ended: new Promise((resolve) => child.once('exit', () => resolve())),
    end: () => void child.kill('SIGKILL'),
  };
}

function openHere(settings: SessionSettings): Channel {
  const listeners = new Set<(message: InstanceMessage) => void>();
  const tell = (message: InstanceMessage) => listeners.forEach((listener) => listener(message));
  let markEnded = () => {};
  const ended = new Promise<void>((resolve) => (markEnded = resolve));
  // Only here does the thread that answers the network load ONNX Runtime, which takes time and memory.
  const opening = import('./session.ts').then(({ openSession }) => openSession(settings));
  void opening.then(({ message }) => tell(message));
  return {
    send: (message) => void opening.then(async ({ session }) => session && tell(await session.run(message))),
    onMessage: (listener) => void listeners.add(listener),
    ended,
    end: () => {
      listeners.clear();
      void opening.then(({ session }) => session?.release()).finally(markEnded);
    },
  };
}
