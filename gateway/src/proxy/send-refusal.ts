import type { Exchange } from '@slipway/serving-runtime/transport/http2/exchange';
import { refusalAnswer } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export function sendRefusal(
  exchange: Exchange,
  { refusal, isGrpc, requestId }: { refusal: Refusal; isGrpc: boolean; requestId: string },
): void {
  const { fields, body } = refusalAnswer(refusal, isGrpc, requestId);
  exchange.respond(fields, body === undefined);
  if (body === undefined) return;
  exchange.write(body);
  exchange.end();
}
