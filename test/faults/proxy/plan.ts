/** A plan says which requests go wrong, and how. Pure: the proxy carries it out. */
import { isWrite } from './api-request.ts';
import type { ApiRequest, Verb } from './api-request.ts';

/** What happens to a request. "Kill" is SIGKILL of the client under test; it is the caller of the proxy who does it. */
export type Action =
  /** Killed before the request goes on; it never does. */
  | { readonly kind: 'killBefore' }
  /** Killed once the API server said 2xx; nobody hears of it. */
  | { readonly kind: 'killAfter' }
  /** Forwarded, then the connection breaks instead of an answer. The client lives. */
  | { readonly kind: 'dropAck' }
  /** Killed at once; forwarded when the run says `release`, long after the client has started again. */
  | { readonly kind: 'lateWrite' }
  /** Held until `release`, then forwarded, whether or not the client still waits. */
  | { readonly kind: 'hold' }
  /** Not forwarded; answered with this code and a Status object. */
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }
  /** Not forwarded; the connection is reset. */
  | { readonly kind: 'reset' }
  /** Forwarded as a dry run: the client believes that it was written. A mutant of the API server, to test the oracles. */
  | { readonly kind: 'pretend' }
  /** A watch that tells everything so much later, in order: the caches of kinds are not of one moment. */
  | { readonly kind: 'lag'; readonly ms: number }
  /** A watch is refused with 410, and so is every later one, until its objects are listed again. */
  | { readonly kind: 'goneHTTP' }
  /** A list comes in pages of one object, whatever the client asked for; the API server may always give less. */
  | { readonly kind: 'smallPages' }
  | WatchAction;

/** What happens to a watch once it has delivered `afterEvents` events. Events of an object are never reordered: the API server never does. */
export type WatchAction =
  /** The next event is cut in the middle, and the stream ends. */
  | { readonly kind: 'halfLine'; readonly afterEvents: number }
  /** Nothing comes any more, and the connection stays open. */
  | { readonly kind: 'silentHang'; readonly afterEvents: number }
  /** An ERROR event 410 Expired, then the end; later watches are refused as after `goneHTTP`. */
  | { readonly kind: 'goneInStream'; readonly afterEvents: number }
  /** Every event comes twice. */
  | { readonly kind: 'dupEvent'; readonly afterEvents: number };

export interface Match {
  readonly verb?: Verb | 'write' | 'any';
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  /** `*` stands for any characters. */
  readonly name?: string;
  /** Which of the requests that match otherwise, from 1; every one where it is missing. */
  readonly nth?: number;
  /** How many in a row from the nth on. Default 1. */
  readonly times?: number;
}

export interface Fault {
  readonly match: Match;
  readonly action: Action;
}

export interface Plan {
  /** One line that tells a person what goes wrong. */
  readonly name: string;
  readonly faults: readonly Fault[];
}

export const NO_FAULTS: Plan = { name: 'no fault', faults: [] };

export function isMatch(match: Match, request: ApiRequest): boolean {
  return (
    isVerb(match.verb ?? 'any', request) &&
    isName(match.name ?? '*', request.name) &&
    (['group', 'resource', 'subresource', 'namespace'] as const).every(
      (field) => match[field] === undefined || match[field] === request[field],
    )
  );
}

function isName(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.startsWith(first) && name.endsWith(last) && name.length >= at + last.length;
}

function isVerb(verb: Verb | 'write' | 'any', request: ApiRequest): boolean {
  if (verb === 'any') return true;
  return verb === 'write' ? isWrite(request) : verb === request.verb;
}

/** How often each fault of a plan has matched so far, in the order of the plan. */
export type Counts = readonly number[];

export interface Decision {
  readonly counts: Counts;
  /** The first fault that strikes this request. */
  readonly fault: Fault | undefined;
}

/** Counts the request for every fault that it matches, and picks the first that strikes now. */
export function decide(plan: Plan, counts: Counts, request: ApiRequest): Decision {
  const next = plan.faults.map((fault, index) => (counts[index] ?? 0) + (isMatch(fault.match, request) ? 1 : 0));
  const fault = plan.faults.find(
    ({ match }, index) => next[index] !== (counts[index] ?? 0) && isTurn(match, next[index] ?? 0),
  );
  return { counts: next, fault };
}

function isTurn({ nth, times = 1 }: Match, count: number): boolean {
  return nth === undefined || (count >= nth && count < nth + times);
}

export function isWatchAction(action: Action): action is WatchAction {
  return 'afterEvents' in action;
}

export function describeFault({ match, action }: Fault): string {
  const what = [match.resource ?? 'anything', match.subresource].filter((part) => part !== undefined && part !== '');
  const key = match.name === undefined ? '' : ` ${match.name}`;
  const nth = match.nth === undefined ? 'every' : `#${match.nth}${match.times === undefined ? '' : `×${match.times}`}`;
  const code = action.kind === 'status' ? `(${action.code})` : '';
  return `${action.kind}${code} ${match.verb ?? 'any'} ${what.join('/')}${key} ${nth}`;
}
