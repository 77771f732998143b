/** A request about which is being decided: what the client does meanwhile happens afterwards. */
import type { Exchange, ExchangeEvents } from '@slipway/serving-runtime/transport/http2/exchange';

/** `begin` gives who takes the request, which gets all that came before. It is not called when the client has gone. */
export function eventsAfter(exchange: Exchange, begin: Promise<() => ExchangeEvents>): ExchangeEvents {
  // The client sends no more than a window: nothing of this is told as consumed.
  const chunks: Buffer[] = [];
  let isComplete = false;
  let isAborted = false;
  let events: ExchangeEvents | undefined;
  void begin.then((start) => {
    if (isAborted) return;
    events = start();
    for (const chunk of chunks.splice(0)) events.data(chunk);
    if (isComplete) events.end();
  });
  return {
    data: (chunk) => {
      if (events === undefined) chunks.push(chunk);
      else events.data(chunk);
    },
    end: () => {
      isComplete = true;
      events?.end();
    },
    aborted: () => {
      isAborted = true;
      if (events === undefined) exchange.end();
      else events.aborted();
    },
    drained: () => events?.drained(),
  };
}
