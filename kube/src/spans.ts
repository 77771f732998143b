/** Traces of what the runtime does, for whoever installs an OpenTelemetry SDK in the process. Without one the API makes no spans. */
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { OperatorError } from './errors.ts';
import type { Result, Scope } from './result.ts';
import type { ObjectKey } from './types.ts';

const tracer = trace.getTracer('@slipway/kube');

/** One pass over one object is one trace; what it sends to the API server is below it. */
export function inReconcileSpan(
  key: ObjectKey,
  { controller, reconcileId, reasons }: Scope,
  work: () => Promise<Result | OperatorError>,
): Promise<Result | OperatorError> {
  const attributes = {
    'slipway.controller': controller,
    'slipway.object.name': key.name,
    ...(key.namespace === undefined ? {} : { 'k8s.namespace.name': key.namespace }),
    'slipway.reconcile.id': reconcileId,
    'slipway.reconcile.reasons': [...reasons],
  };
  return tracer.startActiveSpan(`reconcile ${controller}`, { root: true, attributes }, async (span) => {
    const ending = await work();
    endReconcile(span, ending);
    return ending;
  });
}

function endReconcile(span: Span, ending: Result | OperatorError): void {
  if (ending instanceof Error) {
    span.setAttributes({ 'slipway.reconcile.result': ending.retry, 'error.type': ending.reason });
    // What waits for somebody else's news, or for another spec, has not failed.
    if (ending.retry === 'backoff') span.setStatus({ code: SpanStatusCode.ERROR, message: ending.message });
  } else span.setAttribute('slipway.reconcile.result', ending.kind);
  span.end();
}

export interface RequestSpan {
  /** By which the API server hangs its own spans below this one (W3C Trace Context). */
  readonly headers: Readonly<Record<string, string>>;
  /** `status` is undefined where there was no answer. */
  end(status: number | undefined): void;
}

/**
 * Until the headers of the answer, by OpenTelemetry's conventions for clients of HTTP. Only below a span: watches and leases
 * go on for ever and belong to nothing.
 */
export function startRequestSpan(method: string, origin: string, path: string): RequestSpan | undefined {
  if (trace.getActiveSpan()?.isRecording() !== true) return undefined;
  const { hostname, port, protocol } = new URL(origin);
  const attributes = {
    'http.request.method': method,
    'url.full': `${origin}${path}`,
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
  const span = tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes });
  const headers: Record<string, string> = {};
  propagation.inject(trace.setSpan(context.active(), span), headers);
  return {
    headers,
    end(status) {
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      const errorType = status === undefined ? 'ConnectionFailed' : status >= 400 ? String(status) : undefined;
      if (errorType !== undefined) span.setAttribute('error.type', errorType).setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}
