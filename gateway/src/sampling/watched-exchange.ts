/** What a recorder sees of a request: the same as its client, and nothing of it is changed. */
import type { Exchange, ExchangeEvents } from '@slipway/serving-runtime/transport/http2/exchange';
import type { Recorder } from './recorder.ts';

export function watchedExchange(exchange: Exchange, recorder: Recorder): Exchange {
  return {
    request: exchange.request,
    peer: exchange.peer,
    consumed: (bytes) => exchange.consumed(bytes),
    respond: (fields, isLast) => {
      exchange.respond(fields, isLast);
      recorder.answered(fields);
      if (isLast === true) recorder.ended('Answered');
    },
    write: (data) => {
      recorder.answerData(data);
      return exchange.write(data);
    },
    end: (trailers) => {
      exchange.end(trailers);
      recorder.ended('Answered', trailers);
    },
    reset: (code) => {
      exchange.reset(code);
      recorder.ended('BrokenOff');
    },
  };
}

export function watchedEvents(events: ExchangeEvents, recorder: Recorder): ExchangeEvents {
  return {
    data: (chunk) => {
      recorder.requestData(chunk);
      events.data(chunk);
    },
    end: () => events.end(),
    aborted: () => {
      recorder.ended('ClientGone');
      events.aborted();
    },
    drained: () => events.drained(),
  };
}
