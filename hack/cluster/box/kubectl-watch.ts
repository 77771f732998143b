import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface WatchOptions<T> {
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly resource: string;
  readonly onObject: (object: T) => Promise<void>;
}

const RESTART_MS = 1_000;

/** Calls `onObject`, one object after another, for every object of a kind and for each change of one, for ever. */
export function startWatch<T>({ kubectl, kubeconfig, resource, onObject }: WatchOptions<T>): void {
  // `-o jsonpath` prints one line an object, where `-o json` would print many.
  const args = [
    '--kubeconfig',
    kubeconfig,
    'get',
    resource,
    '--all-namespaces',
    '--watch',
    '-o',
    "jsonpath={@}{'\\n'}",
  ];
  const child = spawn(kubectl, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let queue = Promise.resolve();
  createInterface(child.stdout).on('line', (line) => {
    const object = parse(line);
    if (object !== undefined) queue = queue.then(() => onObject(object as T));
  });
  child.on('exit', () => setTimeout(() => startWatch({ kubectl, kubeconfig, resource, onObject }), RESTART_MS));
}

function parse(line: string): unknown {
  if (line.trim() === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
