/** Listens to every gateway, and remembers what each said last. */
import { backoffDelay, sleep } from '@slipway/kube';
import type { Clock, Logger, Timer } from '@slipway/kube';
import { GATEWAY_SILENCE_MS } from '@slipway/crds/gateway-stream';
import type { GatewayLine } from '@slipway/crds/gateway-stream';
import type { GatewayService } from '../deps.ts';
import type { GatewayListener, Gateways } from './gateways.ts';
import { readGatewayStream } from './gateway-stream.ts';

export interface GatewayFleetOptions extends Pick<GatewayService, 'adminPort' | 'tokenFile'> {
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export interface GatewayFleet extends Gateways {
  /** Listens to the gateways at these addresses and to no others. */
  listenTo(addresses: readonly string[]): void;
  stop(): void;
}

/** What one gateway said since its connection was made. */
interface Heard {
  readonly incarnation: string;
  readonly sequences: Map<string, number>;
  /** It has told of all routes that it applies, so that one it did not name is not applied. */
  isComplete: boolean;
  /** When it said anything last. */
  at: Date;
}

interface Listening {
  readonly stop: AbortController;
  wasHeard: boolean;
  isDown: boolean;
  /** Undefined while there is no connection. */
  heard: Heard | undefined;
  /** Until it is told of that there is no connection: one that is made anew soon concerns nobody. */
  silence: Timer | undefined;
}

const BACKOFF = { baseMs: 100, capMs: 1_000 };

export function createGatewayFleet(options: GatewayFleetOptions): GatewayFleet {
  const { clock, log, adminPort, tokenFile, random } = options;
  const gateways = new Map<string, Listening>();
  const listeners: GatewayListener[] = [];
  const tellReplica = (address: string) => listeners.forEach((listener) => listener.replica?.(address));
  const tellRoute = (uid: string) => listeners.forEach((listener) => listener.route?.(uid));

  function setDown(address: string, gateway: Listening, isDown: boolean): void {
    if (gateway.isDown === isDown) return;
    gateway.isDown = isDown;
    tellReplica(address);
  }

  function waitForSilence(address: string, gateway: Listening, { at }: Heard): void {
    const sinceMs = clock.now().getTime() - at.getTime();
    const tell = () => {
      // Of one that is down was told before.
      if (!gateway.isDown) tellReplica(address);
    };
    gateway.silence = clock.setTimeout(tell, Math.max(0, GATEWAY_SILENCE_MS - sinceMs));
  }

  function forget({ stop, silence }: Listening): void {
    stop.abort();
    silence?.cancel();
  }

  async function listen(address: string, gateway: Listening): Promise<void> {
    const { signal } = gateway.stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const take = (line: GatewayLine) => {
        if ('hello' in line) {
          failures = 0;
          const { incarnation } = line.hello;
          gateway.heard = { incarnation, sequences: new Map(), isComplete: false, at: clock.now() };
          gateway.wasHeard = true;
          gateway.silence?.cancel();
          setDown(address, gateway, false);
          log.info({ gateway: address, version: line.hello.version }, 'listening to a gateway');
        } else if (gateway.heard !== undefined) learn(gateway.heard, line);
      };
      const ending = await readGatewayStream({ address, port: adminPort, tokenFile }, take, signal).catch(
        (cause: NodeJS.ErrnoException) => cause,
      );
      const lost = gateway.heard;
      gateway.heard = undefined;
      if (signal.aborted) return;
      if (lost !== undefined) waitForSilence(address, gateway, lost);
      const why = ending.message;
      // Only this says that the process is gone. That it cannot be reached may be the fault of the network between us.
      if (gateway.wasHeard && ending.code === 'ECONNREFUSED') setDown(address, gateway, true);
      log[failures === 0 ? 'info' : 'debug']({ gateway: address, why }, 'a gateway cannot be heard');
      await sleep(clock, backoffDelay(failures, { ...BACKOFF, random }), signal);
    }
  }

  function learn(heard: Heard, line: Exclude<GatewayLine, { hello: unknown }>): void {
    heard.at = clock.now();
    if ('route' in line) {
      heard.sequences.set(line.route.uid, line.route.sequence);
      tellRoute(line.route.uid);
    } else if ('gone' in line) {
      heard.sequences.delete(line.gone.uid);
      tellRoute(line.gone.uid);
    } else {
      heard.isComplete = true;
      listeners.forEach((listener) => listener.load?.(heard.incarnation, line.load));
    }
  }

  return {
    listenTo(addresses) {
      for (const [address, gateway] of gateways) {
        if (addresses.includes(address)) continue;
        forget(gateway);
        gateways.delete(address);
      }
      for (const address of addresses) {
        if (gateways.has(address)) continue;
        const unheard = { wasHeard: false, isDown: false, heard: undefined, silence: undefined };
        const gateway: Listening = { stop: new AbortController(), ...unheard };
        gateways.set(address, gateway);
        void listen(address, gateway);
      }
    },
    sequenceAt(address, routeUid) {
      const heard = gateways.get(address)?.heard;
      return heard?.sequences.get(routeUid) ?? (heard?.isComplete === true ? 0 : undefined);
    },
    incarnationAt: (address) => gateways.get(address)?.heard?.incarnation,
    isDown: (address) => gateways.get(address)?.isDown === true,
    subscribe: (listener) => void listeners.push(listener),
    stop() {
      for (const gateway of gateways.values()) forget(gateway);
      gateways.clear();
    },
  };
}
