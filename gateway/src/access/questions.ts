/** Asking the API server, beside requests that wait for its answer. */
import { Slots } from './slots.ts';

export interface QuestionsOptions {
  /** How many may be asked at a time. */
  readonly atATime: number;
  /** How many more may wait for their turn; beyond it there is no answer. */
  readonly maxWaiting: number;
  /** How long a question may take, with the wait for its turn. */
  readonly timeoutMs: number;
}

/** One question a key at a time, however many ask it. undefined: it was not its turn in time. Rejects as `question` does. */
export type Ask<Answer> = (
  key: string,
  question: (signal: AbortSignal) => Promise<Answer>,
) => Promise<Answer | undefined>;

export function createQuestions<Answer>({ atATime, maxWaiting, timeoutMs }: QuestionsOptions): Ask<Answer> {
  const asking = new Map<string, Promise<Answer | undefined>>();
  const slots = new Slots(atATime, maxWaiting);

  async function askNow(question: (signal: AbortSignal) => Promise<Answer>): Promise<Answer | undefined> {
    const signal = AbortSignal.timeout(timeoutMs);
    if (!(await slots.take(signal))) return undefined;
    try {
      return await question(signal);
    } finally {
      slots.give();
    }
  }

  return (key, question) => {
    const running = asking.get(key) ?? askNow(question).finally(() => asking.delete(key));
    asking.set(key, running);
    return running;
  };
}
