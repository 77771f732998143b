/** By what model servers know the gateways: who makes their tokens, and with which keys, as the API server tells it now. */
import type { KnownGateways } from '@slipway/crds/known-gateways';
import { sleep } from '@slipway/kube';
import type { Clock, KubeClient, Logger } from '@slipway/kube';
import { stableJson } from '../names.ts';

export type GatewayIssuer = Omit<KnownGateways, 'audience'>;

export interface TokenIssuerSource {
  /** Undefined while the API server has not told. */
  current(): GatewayIssuer | undefined;
  /** Tells that there is another one, from now on. */
  subscribe(listener: () => void): void;
}

export interface TokenIssuerWatch extends TokenIssuerSource {
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface TokenIssuerOptions {
  readonly client: Pick<KubeClient, 'tokenIssuer'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The gateways' user name at the API server. */
  readonly subject: string;
}

/** A new key is told of well before it signs, where it is exchanged as Kubernetes says. */
const LOOK_MS = 60_000;
const LOOK_AGAIN_MS = 5_000;

export function createTokenIssuerWatch({ client, clock, log, subject }: TokenIssuerOptions): TokenIssuerWatch {
  const listeners: (() => void)[] = [];
  let issuer: GatewayIssuer | undefined;
  let isFailing = false;

  async function look(): Promise<number> {
    try {
      const found = await client.tokenIssuer();
      const keys = found.keys.toSorted((a, b) => (stableJson(a) < stableJson(b) ? -1 : 1)) as GatewayIssuer['keys'];
      const next = { issuer: found.issuer, subjects: [subject], keys };
      const isNew = stableJson(next) !== stableJson(issuer);
      issuer = next;
      isFailing = false;
      if (isNew) listeners.forEach((listener) => listener());
      return LOOK_MS;
    } catch (err) {
      if (!isFailing) log.warn({ err }, 'the keys of service account tokens cannot be read; those from before go on');
      isFailing = true;
      return LOOK_AGAIN_MS;
    }
  }

  return {
    current: () => issuer,
    subscribe: (listener) => void listeners.push(listener),
    run: async (signal) => {
      // One look after the other.
      while (!signal.aborted) await sleep(clock, await look(), signal);
    },
  };
}
