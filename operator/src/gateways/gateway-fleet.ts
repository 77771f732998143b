/** Listens to every gateway, and remembers what each said last. */
import { backoffDelay, sleep } from '@slipway/kube';
import type { Clock, Logger } from '@slipway/kube';
import type { GatewayLine } from '@slipway/crds/gateway-stream';
import type { GatewayListener, Gateways } from './gateways.ts';
import { readGatewayStream } from './gateway-stream.ts';

export interface GatewayFleetOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly adminPort: number;
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
}

interface Listening {
  readonly stop: AbortController;
  wasHeard: boolean;
  isDown: boolean;
  /** Undefined while there is no connection. */
  heard: Heard | undefined;
}

const BACKOFF = { baseMs: 100, capMs: 1_000 };

export function createGatewayFleet({ clock, log, adminPort, random }: GatewayFleetOptions): GatewayFleet {
  const gateways = new Map<string, Listening>();
  const listeners: GatewayListener[] = [];
  const tellRoute = (uid: string) => listeners.forEach((listener) => listener.route?.(uid));

  function setDown(address: string, gateway: Listening, isDown: boolean): void {
    if (gateway.isDown === isDown) return;
    gateway.isDown = isDown;
    listeners.forEach((listener) => listener.replica?.(address));
  }

  async function listen(address: string, gateway: Listening): Promise<void> {
    const { signal } = gateway.stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const take = (line: GatewayLine) => {
        if ('hello' in line) {
          failures = 0;
          const { incarnation } = line.hello;
          gateway.heard = { incarnation, sequences: new Map(), isComplete: false };
          gateway.wasHeard = true;
          setDown(address, gateway, false);
          log.info({ gateway: address, version: line.hello.version }, 'listening to a gateway');
        } else if (gateway.heard !== undefined) learn(gateway.heard, line);
      };
      const ending = await readGatewayStream({ address, port: adminPort }, take, signal).catch(
        (cause: NodeJS.ErrnoException) => cause,
      );
      gateway.heard = undefined;
      if (signal.aborted) return;
      const why = ending.message;
      // Only this says that the process is gone. That it cannot be reached may be the fault of the network between us.
      if (gateway.wasHeard && ending.code === 'ECONNREFUSED') setDown(address, gateway, true);
      log[failures === 0 ? 'info' : 'debug']({ gateway: address, why }, 'a gateway cannot be heard');
      await sleep(clock, backoffDelay(failures, { ...BACKOFF, random }), signal);
    }
  }

  function learn(heard: Heard, line: Exclude<GatewayLine, { hello: unknown }>): void {
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
      for (const [address, { stop }] of gateways) {
        if (addresses.includes(address)) continue;
        stop.abort();
        gateways.delete(address);
      }
      for (const address of addresses) {
        if (gateways.has(address)) continue;
        const gateway: Listening = { stop: new AbortController(), wasHeard: false, isDown: false, heard: undefined };
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
      for (const { stop } of gateways.values()) stop.abort();
      gateways.clear();
    },
  };
}
