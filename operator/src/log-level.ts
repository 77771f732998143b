/** Which messages of the operator are written, changed while it runs by `PUT /log-level`. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import pino from 'pino';
import type { Logger } from 'pino';
import { LOG_LEVELS } from './settings.ts';
import type { LogLevel } from './settings.ts';

export interface LogLevelControl {
  get(): LogLevel;
  set(level: LogLevel): void;
}

/** Children of a logger of pino keep the level that it had when they were made; these follow the control. */
export function createLog(destination?: pino.DestinationStream): { log: Logger; logLevel: LogLevelControl } {
  let current: LogLevel = 'info';
  const hooks: pino.LoggerOptions['hooks'] = {
    logMethod(args, write, level) {
      if (level >= (pino.levels.values[current] ?? 0)) write.apply(this, args);
    },
  };
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime, level: 'trace', hooks };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  const set = (level: LogLevel) => {
    current = level;
  };
  return { log, logLevel: { get: () => current, set } };
}

const MAX_BODY_BYTES = 64;

export function createLogLevelServer(control: LogLevelControl): Server {
  return createServer((request, response) => {
    void answerOf(request, control).then(({ status, text }) => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
    });
  });
}

async function answerOf(request: IncomingMessage, control: LogLevelControl): Promise<{ status: number; text: string }> {
  if (request.url !== '/log-level') return { status: 404, text: 'there is /log-level' };
  if (request.method === 'GET') return { status: 200, text: control.get() };
  if (request.method !== 'PUT') return { status: 405, text: 'GET tells the level, PUT sets it' };
  const body = (await readText(request)).trim();
  const level = LOG_LEVELS.find((name) => name === body);
  if (level === undefined) return { status: 400, text: `the body must be one of ${LOG_LEVELS.join(', ')}` };
  control.set(level);
  return { status: 200, text: level };
}

/** What is longer than any level is none. */
async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (text.length <= MAX_BODY_BYTES) text += chunk.toString();
  }
  return text;
}
