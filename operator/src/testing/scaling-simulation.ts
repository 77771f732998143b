/** A service under load whose pods some autoscaler chooses, in simulated time. */

export interface LoadTrace {
  readonly name: string;
  readonly seconds: number;
  /** Requests a second. */
  readonly rateAt: (second: number) => number;
}

const MINUTE = 60;
const [LOW, HIGH] = [20, 200];

export const TRACES: readonly LoadTrace[] = [
  { name: 'step', seconds: 16 * MINUTE, rateAt: (at) => (at >= 2 * MINUTE && at < 8 * MINUTE ? HIGH : LOW) },
  {
    name: 'ramp',
    seconds: 20 * MINUTE,
    rateAt: (at) => LOW + (HIGH - LOW) * Math.max(0, 1 - Math.abs(at - 8 * MINUTE) / (6 * MINUTE)),
  },
  { name: 'spike', seconds: 12 * MINUTE, rateAt: (at) => (at >= 3 * MINUTE && at < 3.5 * MINUTE ? 1.5 * HIGH : LOW) },
];

/** What the gateways counted in a second. */
export interface CountedSecond {
  readonly concurrency: number;
  readonly requests: number;
  /** How long those took, added up. */
  readonly seconds: number;
  readonly held: number;
}

export interface Autoscaler {
  /** `now`: the second that has just ended, in milliseconds. Returns how many pods there shall be. */
  look(now: number, counted: CountedSecond, pods: { readonly current: number; readonly ready: number }): number;
}

export interface SimulatedService {
  /** Pods at first, which are ready. */
  readonly pods: number;
  /** From a pod's creation to its first answer. */
  readonly startSeconds: number;
  /** Requests that a pod works on at a time; more wait in front of it. */
  readonly slots: number;
  readonly requestSeconds: number;
  /** An answer that took longer is late. */
  readonly lateSeconds: number;
}

export const SERVICE: SimulatedService = {
  pods: 1,
  startSeconds: 15,
  slots: 8,
  requestSeconds: 0.2,
  lateSeconds: 1,
};

export interface SimulationResult {
  readonly requests: number;
  readonly answered: number;
  /** Answered late, or not at all until the end. */
  readonly late: number;
  readonly podSeconds: number;
  /** How many pods there should be, second by second. */
  readonly replicas: readonly number[];
}

const TICKS_A_SECOND = 20;
/** Two times that are nearer are the same. */
const HALF_A_TICK = 0.5 / TICKS_A_SECOND;

export function simulate(trace: LoadTrace, autoscaler: Autoscaler, service = SERVICE): SimulationResult {
  const run = new Run(service);
  const replicas: number[] = [];
  let podSeconds = 0;
  for (let second = 0; second < trace.seconds; second += 1) {
    const counted = run.second(second, trace.rateAt(second));
    podSeconds += run.pods.length;
    const { current, ready } = run.podsAt(second + 1);
    run.scale(autoscaler.look((second + 1) * 1000, counted, { current, ready }), second + 1);
    replicas.push(run.pods.length);
  }
  const { requests, answered, late } = run;
  return { requests, answered, late: late + requests - answered, podSeconds, replicas };
}

class Run {
  readonly #service: SimulatedService;
  /** When each is ready, in seconds. */
  pods: readonly number[];
  requests = 0;
  answered = 0;
  late = 0;
  #due = 0;
  /** How long all took that have ended. */
  #seconds = 0;
  /** When those came that no slot has. */
  readonly #waiting: number[] = [];
  /** When those came that a slot has, and when they end. */
  #working: { readonly came: number; readonly end: number }[] = [];

  constructor(service: SimulatedService) {
    this.#service = service;
    this.pods = Array<number>(service.pods).fill(0);
  }

  podsAt(at: number): { readonly current: number; readonly ready: number } {
    return { current: this.pods.length, ready: this.pods.filter((readyAt) => readyAt <= at).length };
  }

  /** The youngest go first. */
  scale(count: number, at: number): void {
    const more = Array<number>(Math.max(0, count - this.pods.length)).fill(at + this.#service.startSeconds);
    this.pods = [...this.pods, ...more].slice(0, count);
  }

  second(second: number, rate: number): CountedSecond {
    const [before, secondsBefore] = [this.answered, this.#seconds];
    let concurrency = 0;
    for (let tick = 0; tick < TICKS_A_SECOND; tick += 1) {
      const at = second + tick / TICKS_A_SECOND;
      this.#tick(at, rate / TICKS_A_SECOND);
      if (this.podsAt(at).ready > 0) concurrency += (this.#working.length + this.#waiting.length) / TICKS_A_SECOND;
    }
    const held = this.podsAt(second + 1).ready === 0 ? this.#waiting.length : 0;
    return { concurrency, requests: this.answered - before, seconds: this.#seconds - secondsBefore, held };
  }

  #tick(at: number, arriving: number): void {
    const { slots, requestSeconds, lateSeconds } = this.#service;
    this.#due += arriving;
    for (; this.#due >= 1; this.#due -= 1) {
      this.requests += 1;
      this.#waiting.push(at);
    }
    const left = this.#working.filter(({ end }) => end - at > HALF_A_TICK);
    this.answered += this.#working.length - left.length;
    for (const { came, end } of this.#working) if (end - at <= HALF_A_TICK) this.#seconds += end - came;
    this.#working = left;
    const free = Math.max(0, this.podsAt(at).ready * slots - left.length);
    for (const came of this.#waiting.splice(0, free)) {
      this.#working.push({ came, end: at + requestSeconds });
      if (at + requestSeconds - came > lateSeconds) this.late += 1;
    }
  }
}
