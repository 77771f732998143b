/** One request, from its head to the end of its answer: who answers it, what is sent there, and what happens when that fails. */
import { ErrorCode } from '@slipway/serving-runtime/transport/http2/errors';
import type { Exchange, ExchangeEvents } from '@slipway/serving-runtime/transport/http2/exchange';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { chooseBackend } from '../routing/choose-backend.ts';
import type { Endpoint, Outcome, Unanswered } from '../routing/endpoint-pool.ts';
import { mayRetry } from '../routing/retry.ts';
import type { Failure } from '../routing/retry.ts';
import { portOf, type Backend, type Route } from '../routing/route.ts';
import type { Attempt, CallDeps } from './deps.ts';
import { answerFields, trailerFields } from './fields.ts';
import { KeptBody } from './kept-body.ts';
import { valueOf } from './raw-headers.ts';
import { codeOf, NO_GRPC, noRoomIn, statusTrailers } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { report } from './report.ts';
import type { ProxiedRequest } from './request.ts';
import { sendRefusal } from './send-refusal.ts';
import { needsBody, stickyValueOf } from './sticky-value.ts';
import { FAILURES, OUTCOMES } from './upstream/failures.ts';
import { upstreamRequest } from './upstream-request.ts';
import type { AnswerHead, UpstreamCall, UpstreamFailure } from './upstream/upstream.ts';
import type { Waiter } from './waiting-line.ts';
import type { Place } from './waiting-room.ts';

/** A request that takes longer to arrive is given up; streams may take as long as they like. */
const BODY_MS = 60_000;
/** A server that let so much time pass without an answer is to blame, and not the client's impatience. */
const SUSPICIOUS_MS = 1000;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** A server that is killed goes on accepting connections for some milliseconds, which all break. */
const SAME_POD_PAUSE_MS = 100;
/** Servers that fail so may have too much to do. */
const COSTS_A_RETRY: ReadonlySet<Failure> = new Set(['unavailable', 'silent']);
const UNAVAILABLE_GRPC = '14';
const UNAVAILABLE_HTTP = 503;

export class Call implements ExchangeEvents, Unanswered {
  readonly #deps: CallDeps;
  readonly #exchange: Exchange;
  readonly #request: ProxiedRequest;
  #route: Route;
  readonly #startedAt: number;
  readonly #kept: KeptBody;
  #attempt: Attempt | undefined;
  /** While it waits for a pod. */
  #place: Place | undefined;
  #stickyValue: string | undefined;
  #attempts = 0;
  #isComplete = false;
  #isMirrored = false;
  #isAnswering = false;
  /** When the head of the answer came. */
  #answeredAt: number | undefined;
  #isOver = false;
  /** Bytes that the client sent and the server has not taken. */
  #held = 0;
  #bodyTimer: NodeJS.Timeout | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  /** Of the answer, for metrics. Empty while gRPC, which tells it last, has not. */
  #code = '';

  constructor(deps: CallDeps, exchange: Exchange, { request, route }: { request: ProxiedRequest; route: Route }) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#request = request;
    this.#route = route;
    this.#startedAt = deps.now();
    this.#kept = new KeptBody(deps.memory);
  }

  start(): void {
    const { timeoutMs, head } = this.#request;
    if (timeoutMs !== undefined) this.#deadline = setTimeout(() => this.#expire(), Math.min(timeoutMs, MAX_TIMER_MS));
    this.#awaitBody();
    const { sticky } = this.#route;
    if (needsBody(sticky)) return;
    const seen = { fields: head.fields, isGrpc: false, body: NO_BODY };
    this.#choose(sticky === undefined ? undefined : stickyValueOf(sticky, seen));
  }

  // ---- what the client does

  data(chunk: Buffer): void {
    if (this.#isOver) {
      this.#exchange.consumed(chunk.length);
      return;
    }
    if (this.#place !== undefined) {
      this.#keep(chunk, this.#place);
      return;
    }
    if (!this.#isAnswering) this.#kept.push(chunk);
    if (this.#attempt === undefined) this.#collect(chunk);
    else this.#send(this.#attempt.upstream, chunk);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isComplete = true;
    if (this.#place !== undefined) return;
    this.#stopTimers();
    if (this.#attempt === undefined) this.#choose(this.#stickyValueOfBody());
    else {
      this.#attempt.upstream.end();
      this.#sent();
    }
  }

  aborted(): void {
    if (this.#isOver) return;
    const { isGrpc } = this.#request;
    this.#release('cancelled');
    this.#finish(isGrpc ? '1' : '499');
    this.#exchange.end();
  }

  drained(): void {
    this.#attempt?.upstream.resume();
  }

  // ---- who answers

  /** Until it is known who answers, which only the body tells. */
  #collect(chunk: Buffer): void {
    this.#exchange.consumed(chunk.length);
    if (this.#kept.isWhole) return;
    this.#fail({
      code: 'TooLarge',
      message: `this service is split by a value of the body, which may have at most ${this.#deps.memory.limits.perRequest} bytes then`,
    });
  }

  #stickyValueOfBody(): string | undefined {
    const { sticky } = this.#route;
    if (sticky === undefined) return undefined;
    const { head, isGrpc } = this.#request;
    return stickyValueOf(sticky, { fields: head.fields, isGrpc, body: Buffer.concat(this.#kept.chunks) });
  }

  #choose(stickyValue: string | undefined): void {
    this.#stickyValue = stickyValue;
    this.#pick(chooseBackend(this.#route, stickyValue, this.#deps.random()), undefined);
  }

  #pick(backend: Backend, except: Endpoint | undefined): void {
    const { now, random, waitingRoom } = this.#deps;
    const { pool } = backend;
    if (portOf(backend, this.#request.isGrpc) === undefined) return this.#fail(NO_GRPC, backend);
    const endpoint = waitingRoom.isWaitedFor(this.#route) ? undefined : pool.pick(now(), random, except);
    if (endpoint !== undefined) this.#open(backend, endpoint);
    else if (this.#route.hold !== undefined) this.#wait(false);
    else this.#fail(noRoomIn(pool), backend);
  }

  /** `isBack`: a pod could not be reached with it. */
  #wait(isBack: boolean): void {
    const waiter: Waiter = {
      choose: (route) => chooseBackend(route, this.#stickyValue, this.#deps.random()),
      go: ({ route, backend, endpoint }) => {
        this.#place = undefined;
        this.#route = route;
        this.#attempts = 0;
        if (!this.#isComplete) this.#awaitBody();
        this.#open(backend, endpoint);
      },
      refuse: (refusal) => this.#fail(refusal),
    };
    const entering = { waiter, startedAt: this.#startedAt, bytes: this.#kept.bytes, isBack };
    const place = this.#deps.waitingRoom.enter(this.#route, entering);
    this.#stopTimers();
    if ('code' in place) this.#fail(place);
    else this.#place = place;
  }

  /** Nobody takes it yet, and its client need not wait with the rest. */
  #keep(chunk: Buffer, place: Place): void {
    this.#exchange.consumed(chunk.length);
    if (place.keep(chunk.length) && this.#kept.hold(chunk)) return;
    this.#fail({ code: 'Unavailable', message: 'what waits here is as large as it may be; try again later' });
  }

  #open(backend: Backend, endpoint: Endpoint): void {
    const { metrics } = this.#deps;
    const { pool } = backend;
    const port = portOf(backend, this.#request.isGrpc);
    if (port === undefined) return this.#fail(NO_GRPC, backend);
    const upstream = this.#openUpstream(endpoint, port);
    if (upstream === undefined) {
      this.#fail({ code: 'BadRequest', message: 'a header holds characters that none may hold' }, backend);
      return;
    }
    this.#attempts += 1;
    pool.retries.earn();
    endpoint.inFlight += 1;
    endpoint.unanswered.add(this);
    metrics.of(this.#route, backend).started();
    this.#attempt = { backend, endpoint, upstream };
    for (const chunk of this.#kept.chunks) upstream.write(chunk);
    this.#kept.unhold();
    this.#upstreamDrained();
    if (!this.#isComplete) return;
    upstream.end();
    this.#sent();
  }

  #awaitBody(): void {
    if (this.#request.isStream) return;
    const tooSlow: Refusal = { code: 'TooSlow', message: `the request did not arrive within ${BODY_MS / 1000} s` };
    this.#bodyTimer = setTimeout(() => this.#fail(tooSlow), BODY_MS);
  }

  #stopTimers(): void {
    clearTimeout(this.#bodyTimer);
    clearTimeout(this.#answerTimer);
    this.#answerTimer = undefined;
  }

  /** All of it is on its way to a pod. */
  #sent(): void {
    if (this.#isAnswering || this.#isOver) return;
    if (!this.#request.isStream) this.#answerTimer ??= setTimeout(() => this.#expire(), this.#route.timeoutMs);
    if (!this.#kept.isWhole || this.#isMirrored) return;
    this.#isMirrored = true;
    this.#deps.mirror({ route: this.#route, request: this.#request, chunks: this.#kept.chunks });
  }

  /** undefined where Node's client refuses what it should send. */
  #openUpstream(endpoint: Endpoint, port: number): UpstreamCall | undefined {
    const { upstreams, now } = this.#deps;
    const { isGrpc, timeoutMs } = this.#request;
    const timeLeftMs = timeoutMs === undefined ? undefined : timeoutMs - (now() - this.#startedAt);
    const sent = upstreamRequest(this.#request, { endpoint, port, timeLeftMs });
    try {
      return (isGrpc ? upstreams.grpc : upstreams.http).open(
        { ...sent, isRepeated: this.#attempts > 0 },
        {
          answered: (answer) => this.#answered(answer),
          data: (chunk) => this.#answerData(chunk),
          ended: (trailers) => this.#answerEnded(trailers),
          failed: (failure) => this.#failed(failure),
          drained: () => this.#upstreamDrained(),
        },
      );
    } catch {
      return undefined;
    }
  }

  #send(upstream: UpstreamCall, chunk: Buffer): void {
    if (upstream.write(chunk)) this.#exchange.consumed(chunk.length);
    else this.#held += chunk.length;
  }

  #upstreamDrained(): void {
    if (this.#held === 0) return;
    const held = this.#held;
    this.#held = 0;
    this.#exchange.consumed(held);
  }

  // ---- what the server does

  #answered(answer: AnswerHead): void {
    const { isGrpc, id } = this.#request;
    // In the head of an answer that has nothing else.
    const grpcStatus = isGrpc ? valueOf(answer.fields, 'grpc-status') : undefined;
    const isUnavailable = answer.status === UNAVAILABLE_HTTP || grpcStatus === UNAVAILABLE_GRPC;
    if (isUnavailable && this.#retry('unavailable', 'failed')) return;
    const { backend, endpoint } = this.#attempt as Attempt;
    this.#report(backend, endpoint, isUnavailable ? 'failed' : 'answered');
    this.#isAnswering = true;
    this.#answeredAt = this.#deps.now();
    endpoint.unanswered.delete(this);
    this.#stopTimers();
    this.#kept.release();
    this.#code = grpcStatus ?? (isGrpc ? '' : String(answer.status));
    const fields = answerFields(answer.fields, { requestId: id, revision: backend.revision });
    const head = [{ name: ':status', value: String(answer.status) }, ...fields];
    this.#exchange.respond(head, answer.isLast);
    if (answer.isLast) this.#succeed();
  }

  #answerData(chunk: Buffer): void {
    if (!this.#exchange.write(chunk)) this.#attempt?.upstream.pause();
  }

  #answerEnded(trailers: readonly HeaderField[]): void {
    if (this.#isOver) return;
    this.#code = valueOf(trailers, 'grpc-status') ?? this.#code;
    if (this.#code === '') {
      this.#failed('broken');
      return;
    }
    this.#exchange.end(trailers.length === 0 ? undefined : trailerFields(trailers));
    this.#succeed();
  }

  #failed(failure: UpstreamFailure): void {
    const outcome = OUTCOMES[failure];
    if (!this.#isAnswering && this.#retry(FAILURES[failure], outcome)) return;
    const { backend, endpoint } = this.#attempt as Attempt;
    this.#report(backend, endpoint, outcome);
    const wasReached = failure === 'broken';
    if (!wasReached && !this.#isAnswering && this.#kept.isWhole && this.#route.hold !== undefined) {
      this.#leave();
      this.#wait(true);
      return;
    }
    this.#fail(
      wasReached
        ? { code: 'Broken', message: 'the connection to the server broke before its answer was complete' }
        : { code: 'Unavailable', message: 'no server could be reached; try again later' },
    );
  }

  podFellSilent(): void {
    // Where there is no other pod, the one that hangs may still come back.
    if (this.#attempt !== undefined && this.#attempt.backend.pool.endpoints.length > 0)
      this.#retry('silent', undefined);
  }

  /** True when another pod has it now. */
  #retry(failure: Failure, outcome: Outcome | undefined): boolean {
    const { backend, endpoint, upstream } = this.#attempt as Attempt;
    const { isIdempotent } = this.#request;
    const isReplayable = this.#kept.isWhole;
    if (!mayRetry({ failure, attempts: this.#attempts, isReplayable, isIdempotent })) return false;
    if (COSTS_A_RETRY.has(failure) && !backend.pool.retries.use()) return false;
    this.#report(backend, endpoint, outcome);
    this.#deps.metrics.of(this.#route, backend).retried();
    upstream.cancel();
    this.#leave();
    const { length } = backend.pool.endpoints;
    // Its pods may be gone by now.
    const again = () => this.#pick(length > 0 ? backend : this.#route.stable, endpoint);
    if (failure === 'broken' && length === 1 && this.#isComplete) this.#pause = setTimeout(again, SAME_POD_PAUSE_MS);
    else again();
    return true;
  }

  #report(backend: Backend, endpoint: Endpoint, outcome: Outcome | undefined): void {
    if (outcome === undefined) return;
    report(this.#deps, { route: this.#route, backend, endpoint }, outcome);
  }

  // ---- how it ends

  #expire(): void {
    const waitedMs = Math.round(this.#deps.now() - this.#startedAt);
    if (this.#attempt !== undefined && waitedMs >= SUSPICIOUS_MS && !this.#isAnswering)
      this.#report(this.#attempt.backend, this.#attempt.endpoint, 'failed');
    this.#fail({ code: 'DeadlineExceeded', message: `there was no answer within ${waitedMs} ms` });
  }

  #fail(refusal: Refusal, backend = this.#attempt?.backend): void {
    if (this.#isOver) return;
    const { isGrpc, id } = this.#request;
    this.#release('cancelled');
    if (!this.#isAnswering) sendRefusal(this.#exchange, { refusal, isGrpc, requestId: id });
    else if (isGrpc) this.#exchange.end(statusTrailers(refusal));
    // The client has to see that there should have been more.
    else this.#exchange.reset(ErrorCode.internalError);
    this.#finish(codeOf(refusal, isGrpc), backend);
  }

  #succeed(): void {
    const backend = this.#attempt?.backend;
    this.#release('answered');
    this.#finish(this.#code, backend);
  }

  /** Whoever answered has done so, or need not any more. */
  #release(how: 'answered' | 'cancelled'): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    // An answer may be complete before its request is: what the client still sends is of no use.
    if (how === 'cancelled' || !this.#isComplete) attempt.upstream.cancel();
  }

  #leave(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    attempt.endpoint.inFlight -= 1;
    attempt.endpoint.unanswered.delete(this);
    this.#deps.metrics.of(this.#route, attempt.backend).left();
    this.#deps.waitingRoom.roomLeft(this.#route);
  }

  #finish(code: string, backend = this.#attempt?.backend): void {
    this.#isOver = true;
    this.#place?.leave();
    this.#place = undefined;
    this.#leave();
    this.#kept.release();
    this.#stopTimers();
    clearTimeout(this.#deadline);
    clearTimeout(this.#pause);
    this.#upstreamDrained();
    const { metrics, now } = this.#deps;
    const endedAt = now();
    const secondsUntil = (at: number) => (at - this.#startedAt) / 1000;
    const took = { toHead: secondsUntil(this.#answeredAt ?? endedAt), toEnd: secondsUntil(endedAt) };
    metrics.of(this.#route, backend ?? this.#route.stable).ended(this.#request.isGrpc, code, took);
  }
}

const NO_BODY = Buffer.alloc(0);
