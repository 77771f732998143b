import type { ExchangeEvents } from '../http2/exchange.ts';

/** Keeps what happens to an exchange until somebody is there for it; no more than the client's window, since nothing is taken meanwhile. */
export function eventsOnceKnown(pending: Promise<ExchangeEvents>): ExchangeEvents {
  let known: ExchangeEvents | undefined;
  const early: ((events: ExchangeEvents) => void)[] = [];
  void pending.then((events) => {
    known = events;
    for (const tell of early) tell(events);
  });
  const tell = (what: (events: ExchangeEvents) => void) => {
    if (known === undefined) early.push(what);
    else what(known);
  };
  return {
    data: (chunk) => tell((events) => events.data(chunk)),
    end: () => tell((events) => events.end()),
    aborted: () => tell((events) => events.aborted()),
    drained: () => tell((events) => events.drained()),
  };
}
