/** How many connections there may be, counted from the moment when they are accepted: also those that never say a word. */
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  readonly total: number;
  readonly perAddress: number;
}

/** Of all data ports together. False when it is one too many; else it is counted until it is closed. */
export type Admit = (socket: Socket) => boolean;

export function createConnectionLimits({ total, perAddress }: ConnectionLimits): Admit {
  const open = new Map<string, number>();
  let all = 0;
  return (socket) => {
    // undefined: it has gone already.
    const address = socket.remoteAddress;
    if (address === undefined) return false;
    const ofAddress = open.get(address) ?? 0;
    if (all >= total || ofAddress >= perAddress) return false;
    all += 1;
    open.set(address, ofAddress + 1);
    socket.once('close', () => {
      all -= 1;
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    return true;
  };
}
