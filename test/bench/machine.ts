import { cpus, totalmem } from 'node:os';

/** One line about the machine, which every bench prints with its figures. */
export function machineLine(): string {
  const processors = cpus();
  return `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
