import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { apiVersionOf, type KubeKind } from './types.ts';

/** Which kinds the API server has. For those that a cluster may lack, such as the Gateway API's: their caches cannot tell none from no kind. */
export interface Discovery {
  /**
   * Whether the kind is served in its version. Asked once for all kinds of a group and version, and again when the answer is
   * too old. Rejects as every request of the client does; nothing is remembered of that.
   */
  serves(kind: KubeKind): Promise<boolean>;
}

export interface DiscoveryOptions {
  readonly client: Pick<KubeClient, 'servedPlurals'>;
  readonly clock: Clock;
  /** How long it is believed that a kind is there, in milliseconds. Default 600,000. */
  readonly presentMs?: number;
  /** The same for one that is missing, which people may install next. Default 10,000. */
  readonly missingMs?: number;
}

interface Answer {
  readonly plurals: ReadonlySet<string>;
  readonly askedMs: number;
}

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { client, clock, presentMs = 600_000, missingMs = 10_000 } = options;
  const answers = new Map<string, Answer>();
  const asking = new Map<string, Promise<Answer>>();
  const nowMs = () => clock.now().getTime();

  async function ask({ group, version }: KubeKind): Promise<Answer> {
    const askedMs = nowMs();
    return { plurals: await client.servedPlurals(group, version), askedMs };
  }

  async function newAnswer(kind: KubeKind): Promise<Answer> {
    const key = apiVersionOf(kind);
    const question = asking.get(key) ?? ask(kind);
    asking.set(key, question);
    try {
      const answer = await question;
      answers.set(key, answer);
      return answer;
    } finally {
      asking.delete(key);
    }
  }

  return {
    async serves(kind) {
      const known = answers.get(apiVersionOf(kind));
      const isThere = known?.plurals.has(kind.plural) ?? false;
      if (known !== undefined && nowMs() - known.askedMs < (isThere ? presentMs : missingMs)) return isThere;
      return (await newAnswer(kind)).plurals.has(kind.plural);
    },
  };
}
