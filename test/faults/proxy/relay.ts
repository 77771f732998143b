/** Passes an answer of the API server on to the client, as it comes, and tells the journal. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from './exchange.ts';
import { cut, writeChunk } from './exchange.ts';
import type { Journal } from './journal.ts';
import type { WatchAction } from './plan.ts';
import { endToEndHeaders } from './upstream.ts';
import { createLineSplitter, faultyLine } from './watch-lines.ts';
import type { LineResult } from './watch-lines.ts';

/** @returns the bytes of the answer, which the client has by then, unless it left before. */
export async function relay(exchange: Exchange, answer: IncomingMessage): Promise<Buffer> {
  writeHead(exchange, answer);
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) {
      chunks.push(chunk as Buffer);
      await writeChunk(exchange, chunk as Buffer);
    }
    exchange.outgoing.end();
  } catch {
    cut(exchange); // the API server broke off: so do we, or half an answer would look whole
  }
  return Buffer.concat(chunks);
}

export async function relayWatch(
  exchange: Exchange,
  answer: IncomingMessage,
  journal: Pick<Journal, 'watched'>,
  fault?: { readonly action: WatchAction; readonly onStrike: () => void },
): Promise<void> {
  writeHead(exchange, answer);
  const split = createLineSplitter();
  let events = 0;
  try {
    for await (const chunk of answer) {
      const lines = split(chunk as Buffer);
      for (const line of lines) journal.watched(exchange.request, line);
      const { write, next } =
        fault === undefined ? { write: [chunk as Buffer], next: 'go on' } : faultyLines(fault.action, events, lines);
      events += lines.length;
      if (fault !== undefined && lines.length > 0 && events > fault.action.afterEvents) fault.onStrike();
      for (const part of write) await writeChunk(exchange, part);
      if (next === 'hang') return await clientLeaves(exchange);
      if (next === 'end') break;
    }
    exchange.outgoing.end();
  } catch {
    cut(exchange);
  }
}

/** As `relayWatch`, everything `ms` milliseconds later. The journal has it when the client has it. */
export async function relayLagging(
  exchange: Exchange,
  answer: IncomingMessage,
  journal: Pick<Journal, 'watched'>,
  ms: number,
): Promise<void> {
  writeHead(exchange, answer);
  const split = createLineSplitter();
  // Timers of one length fire in the order in which they were set.
  answer.on('data', (chunk: Buffer) =>
    setTimeout(() => {
      for (const line of split(chunk)) journal.watched(exchange.request, line);
      void writeChunk(exchange, chunk);
    }, ms),
  );
  await new Promise<void>((resolve) => {
    answer.on('close', () => setTimeout(resolve, ms));
    answer.on('error', () => {});
  });
  if (answer.complete) exchange.outgoing.end();
  else cut(exchange);
}

/** As `faultyLine` for several; nothing comes after an end or a hang. */
function faultyLines(action: WatchAction, before: number, lines: readonly Buffer[]): LineResult {
  const results = lines.map((line, index) => faultyLine(action, before + index + 1, line));
  const last = results.findIndex(({ next }) => next !== 'go on');
  const taken = last === -1 ? results : results.slice(0, last + 1);
  return { write: taken.flatMap(({ write }) => write), next: taken.at(-1)?.next ?? 'go on' };
}

export function writeHead({ outgoing }: Exchange, answer: IncomingMessage): void {
  const head = outgoing as ServerResponse;
  head.writeHead(answer.statusCode ?? 502, endToEndHeaders(answer.headers));
  head.flushHeaders();
}

function clientLeaves({ gone }: Exchange): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => resolve(), { once: true });
  });
}
