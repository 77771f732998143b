/**
 * What gateways said of the load of one service in the last minute or so. Its size is bounded, however often they speak: what
 * one says within a second is one entry, and so is all the time in which there was nothing to do.
 */

/** What one gateway had of the service in some time. A `load` line in which the service is missing is one with zeros. */
export interface LoadSample {
  /** The process: a replica that was started again is another one. */
  readonly gateway: string;
  /** When the time ended that it tells of, in milliseconds. */
  readonly at: number;
  /** How much time it tells of. */
  readonly milliseconds: number;
  /** Requests at pods, on average over that time. */
  readonly concurrency: number;
  /** Those that ended in it. */
  readonly requests: number;
  /** How long those took, added up. */
  readonly seconds: number;
  /** Those that wait for a pod, at its end. */
  readonly held: number;
}

/** All gateways together. */
export interface WindowLoad {
  /** Requests at pods or waiting for one, on average. */
  readonly concurrency: number;
  readonly requestsPerSecond: number;
  /** How long a request took, on average; undefined where none ended. */
  readonly secondsPerRequest: number | undefined;
}

interface Entry {
  readonly from: number;
  to: number;
  /** Requests times the milliseconds that they were at pods or waited. */
  area: number;
  requests: number;
  /** How long those took, added up. */
  seconds: number;
}

interface Heard {
  readonly entries: Entry[];
  held: number;
  /** Nothing was asked since then, without a gap in what was said. */
  quietSince: number;
}

const ENTRY_MS = 1000;
/** Lines come when they come: less than this between two is no gap. */
const JITTER_MS = 500;
/** What was said last may be so old, and still be what is. */
export const FRESH_MS = 2500;

export class LoadHistory {
  readonly #keepMs: number;
  readonly #gateways = new Map<string, Heard>();

  /** `keepMs`: the longest window that will be asked for. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Samples of a gateway come in the order of their time; one that is older than the last is left out. */
  add(sample: LoadSample): void {
    const { gateway, at, milliseconds, requests, seconds, held } = sample;
    const heard = this.#gateways.get(gateway) ?? { entries: [], held: 0, quietSince: at - milliseconds };
    const last = heard.entries.at(-1);
    const said = at - milliseconds;
    const isGap = last === undefined || said - last.to > JITTER_MS;
    const from = isGap ? said : last.to;
    if (at < from) return;
    this.#gateways.set(gateway, heard);
    const area = (sample.concurrency + held) * (at - from);
    const isQuiet = sample.concurrency === 0 && requests === 0 && held === 0;
    if (!isQuiet) heard.quietSince = at;
    else if (isGap) heard.quietSince = from;
    heard.held = held;
    const entry = { from, to: at, area, requests, seconds };
    if (last !== undefined && !isGap && mayJoin(last, entry)) join(last, entry);
    else heard.entries.push(entry);
    this.#forget(at);
  }

  /** Entries now, of all gateways. */
  get size(): number {
    return [...this.#gateways.values()].reduce((sum, { entries }) => sum + entries.length, 0);
  }

  /** undefined where nothing is known of the window. */
  over(now: number, windowMs: number): WindowLoad | undefined {
    const start = now - windowMs;
    let [area, requests, seconds, covered] = [0, 0, 0, 0];
    for (const { entries } of this.#gateways.values()) {
      let coveredByOne = 0;
      for (const entry of entries) {
        const part = partWithin(entry, start, now);
        if (part === 0) continue;
        coveredByOne += (entry.to - entry.from) * part;
        area += entry.area * part;
        requests += entry.requests * part;
        seconds += entry.seconds * part;
      }
      covered = Math.max(covered, coveredByOne);
    }
    if (covered === 0) return undefined;
    return {
      concurrency: area / covered,
      requestsPerSecond: (requests * 1000) / covered,
      secondsPerRequest: requests > 0 ? seconds / requests : undefined,
    };
  }

  /** It has told of all of the window, but for what it is about to say. */
  covers(gateway: string, now: number, windowMs: number): boolean {
    const heard = this.#gateways.get(gateway);
    if (heard === undefined) return false;
    const start = now - windowMs;
    const covered = heard.entries.reduce(
      (sum, entry) => sum + (entry.to - entry.from) * partWithin(entry, start, now),
      0,
    );
    return covered >= windowMs - FRESH_MS && now - (heard.entries.at(-1)?.to ?? -Infinity) <= FRESH_MS;
  }

  /** How long nothing was asked through the gateway, in milliseconds; 0 where that is not known. */
  quietMs(gateway: string, now: number): number {
    const heard = this.#gateways.get(gateway);
    const toldAt = heard?.entries.at(-1)?.to ?? -Infinity;
    return heard === undefined || now - toldAt > FRESH_MS ? 0 : Math.max(0, now - heard.quietSince);
  }

  /** Requests that wait for a pod, at all gateways. */
  held(now: number): number {
    const all = [...this.#gateways.values()];
    const fresh = all.filter(({ entries }) => now - (entries.at(-1)?.to ?? -Infinity) <= FRESH_MS);
    return fresh.reduce((sum, { held }) => sum + held, 0);
  }

  #forget(now: number): void {
    const oldest = now - this.#keepMs - ENTRY_MS;
    for (const [gateway, { entries }] of this.#gateways) {
      const gone = entries.findIndex(({ to }) => to >= oldest);
      if (gone < 0) this.#gateways.delete(gateway);
      else entries.splice(0, gone);
    }
  }
}

function mayJoin(last: Entry, next: Entry): boolean {
  const isNothing = (entry: Entry) => entry.area === 0 && entry.requests === 0;
  return next.to - last.from <= ENTRY_MS || (isNothing(last) && isNothing(next));
}

function join(last: Entry, next: Entry): void {
  last.to = next.to;
  last.area += next.area;
  last.requests += next.requests;
  last.seconds += next.seconds;
}

/** From 0 to 1. What a gateway says first tells of no time at all. */
function partWithin({ from, to }: Entry, start: number, end: number): number {
  if (from === to || to <= start || from >= end) return 0;
  return (Math.min(to, end) - Math.max(from, start)) / (to - from);
}
