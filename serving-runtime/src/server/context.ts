import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import { RequestError } from '../protocol/errors.ts';
import type { ServingMetrics } from './metrics.ts';

/** What both transports stand in front of. */
export interface ServerContext {
  readonly engine: Engine;
  readonly metrics: ServingMetrics;
  readonly identity: { readonly name: string; readonly version: string };
  isDraining(): boolean;
  /** Why the server should get no traffic; undefined when it should. */
  obstacle(): string | undefined;
  /** Headers (metadata) of every answer: the id of the request, made where none was given, and which revision answered. */
  answerHeaders(givenId: unknown): AnswerHeaders;
  /** Told of every failure; those that no client caused go to the log. */
  unexpected(cause: unknown): void;
  /** Told of every change that somebody asked for by the admin port. */
  audit(action: 'load' | 'unload', model: string): void;
}

export interface AnswerHeaders {
  readonly 'x-request-id': string;
  readonly 'x-slipway-revision'?: string;
}

export interface ContextOptions {
  readonly engine: Engine;
  readonly metrics: ServingMetrics;
  readonly version: string;
  readonly revision: string | undefined;
  readonly logError: (cause: unknown) => void;
  readonly audit: ServerContext['audit'];
}

/** What can stand in a header and a log line as it is. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;

/** The given id, or a new one where it is none. */
export function requestIdOf(given: unknown): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

export function createContext({
  engine,
  metrics,
  version,
  revision,
  logError,
  audit,
}: ContextOptions): ServerContext & { drain(): void } {
  let draining = false;
  return {
    engine,
    metrics,
    identity: { name: 'slipway-serving-runtime', version },
    isDraining: () => draining,
    obstacle: () => (draining ? 'the server is shutting down' : engine.obstacle()),
    audit,
    answerHeaders: (givenId) => ({
      'x-request-id': requestIdOf(givenId),
      ...(revision === undefined ? {} : { 'x-slipway-revision': revision }),
    }),
    unexpected: (cause) => {
      if (!(cause instanceof RequestError)) logError(cause);
    },
    drain: () => {
      draining = true;
    },
  };
}
