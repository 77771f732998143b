/** Where an instance runs: a thread, which shares memory, or a process, which can be killed. Both speak the same messages. */
import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { END } from './messages.ts';
import type { InstanceMessage, RunMessage, SessionSettings } from './messages.ts';

export interface Channel {
  send(message: RunMessage, transfer: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: InstanceMessage) => void): void;
  /** Settles when the other side is gone, by `end` or by itself. */
  readonly ended: Promise<void>;
  /** A thread goes when the run that it is in returns, however long that takes; a process is gone at once. */
  end(): void;
}

const MAIN = new URL('./inference-worker.ts', import.meta.url);

export function openThread(settings: SessionSettings): Channel {
  const worker = new Worker(MAIN, { workerData: settings });
  worker.on('error', () => {}); // 'exit' follows, and tells all that matters
  return {
    send: (message, transfer) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => void worker.on('message', listener),
    ended: new Promise((resolve) => worker.once('exit', () => resolve())),
    // Never `terminate`: ONNX Runtime's binding ends the whole process when its thread is taken away while a model runs.
    end: () => worker.postMessage(END, []),
  };
}

export function openProcess(settings: SessionSettings): Channel {
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
