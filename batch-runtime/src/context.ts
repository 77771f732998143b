import type { Log } from './log.ts';

/** What a command gets besides its request. */
export interface Context {
  readonly log: Log;
  /** Where Stores are mounted, each as `<storesDir>/<store>`. */
  readonly storesDir: string;
  /** A folder of this run alone; removed when the command ends. */
  readonly scratchDir: string;
  readonly memoryBytes: number;
  /** Aborted on SIGTERM. */
  readonly signal: AbortSignal;
  /** A short name that no other run has, for temporary files. */
  readonly runName: string;
  /** Folders that are removed when the process is stopped. */
  readonly temporary: Set<string>;
  readonly podIndex: string;
  /** `collect`: copy now instead of waiting for the signal. */
  readonly once: boolean;
}
