/** A client that keeps asking, and keeps count. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './clients.ts';

export interface TrafficReport {
  readonly sent: number;
  readonly failures: readonly string[];
  /** By model_version, in the order of its first answer; times in seconds since the start. */
  readonly versions: readonly {
    readonly version: string;
    readonly answers: number;
    readonly first: number;
    readonly last: number;
  }[];
}

const PAUSE_MS = 10;

/** Asks one row after another until `stop` is called, which resolves when the last answer is there. */
export function startTraffic(client: Client, rows: readonly (readonly number[])[]): { stop(): Promise<TrafficReport> } {
  const started = Date.now();
  const seen = new Map<string, { answers: number; first: number; last: number }>();
  const failures: string[] = [];
  let sent = 0;
  let stopped = false;

  const askOnce = async (row: readonly number[]): Promise<void> => {
    sent++;
    try {
      const { modelVersion } = await client.ask([row]);
      const at = (Date.now() - started) / 1000;
      const entry = seen.get(modelVersion) ?? { answers: 0, first: at, last: at };
      seen.set(modelVersion, { answers: entry.answers + 1, first: entry.first, last: at });
    } catch (cause) {
      failures.push(String(cause));
    }
  };
  const running = (async () => {
    for (let index = 0; !stopped; index++) {
      await askOnce(rows[index % rows.length] ?? []);
      await sleep(PAUSE_MS);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await running;
      return { sent, failures, versions: [...seen].map(([version, entry]) => ({ version, ...entry })) };
    },
  };
}
