/** What a client is told of a step that did not answer as it should. */
import { ModelFailure, RequestError } from '../../protocol/errors.ts';
import type { ErrorCode } from '../../protocol/errors.ts';

export type StepName = 'before' | 'after';

/** Answers with which a step says that the client is wrong, or that it has no time; its words are for the client. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'InvalidArgument',
  401: 'Unauthenticated',
  403: 'PermissionDenied',
  413: 'TooLarge',
  422: 'InvalidArgument',
  429: 'Unavailable',
  503: 'Unavailable',
};
/** Of how a step is asked: no client can mend that. */
const OURS: readonly number[] = [404, 405, 406, 408, 411, 415, 431];

export function refused(step: StepName, status: number, words: string | undefined): RequestError {
  const code =
    CODES[status] ?? (status >= 400 && status < 500 && !OURS.includes(status) ? 'InvalidArgument' : undefined);
  if (code === undefined) return broken(step, `it answered ${status}`);
  const message = `${step}: ${words === undefined ? `it answered ${status} and did not say why` : plain(words)}`;
  return code === 'Unavailable' ? new ModelFailure(code, message) : new RequestError(code, message);
}

export function broken(step: StepName, what: string): RequestError {
  return new ModelFailure('Internal', `${step}: ${what}; the log of the server says more`);
}

export function unavailable(step: StepName, why: string): RequestError {
  return new ModelFailure('Unavailable', `${step}: ${why}; try again`);
}

/** On one line. */
function plain(words: string): string {
  return words.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
}
