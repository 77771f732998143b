/** Open Inference Protocol v2 with Triton's extensions, grpc.health.v1 and server reflection, over gRPC. */
import { GATEWAY_TOKEN_HEADER } from '@slipway/crds/known-gateways';
import { ERROR_CODES, toRequestError } from '../../protocol/errors.ts';
import type { Authorize } from '../../server/access/access.ts';
import type { RequestObserver } from '../../server/request-watcher.ts';
import type { ServerContext } from '../../server/context.ts';
import type { Exchange, Http2Listener } from '../http2/exchange.ts';
import { createNodeListener } from '../http2/node-listener.ts';
import { createOwnListener } from '../http2/own-listener.ts';
import { describedFile } from './described-file.ts';
import { createGrpcListener } from './grpc-listener.ts';
import { healthMethods } from './health-methods.ts';
import { INFER_CODECS, inferMethods } from './infer-methods.ts';
import { modelMethods } from './model-methods.ts';
import { serviceOf } from './proto-service.ts';
import { currentRequest } from '../../server/request-record.ts';
import { recordedListener } from './recorded-exchange.ts';
import { reflectionMethods } from './reflection-methods.ts';
import { repositoryMethods } from './repository-methods.ts';
import type { Rpcs } from './rpc.ts';

/** Whose HTTP/2 the gRPC port speaks: our own, or that of Node. */
export type Transport = 'own' | 'node';

export interface GrpcOptions {
  /** Whether models may be loaded and unloaded. */
  readonly isAdmin: boolean;
  readonly transport: Transport;
  /** undefined: everybody may ask. */
  readonly authorize: Authorize | undefined;
  /** undefined: nobody is told of calls. */
  readonly observer: RequestObserver | undefined;
}

const INFERENCE = 'inference.GRPCInferenceService';
const HEALTH = 'grpc.health.v1.Health';
const REFLECTION = 'grpc.reflection.v1.ServerReflection';
const REFLECTION_ALPHA = 'grpc.reflection.v1alpha.ServerReflection';

export function createGrpcServer(
  context: ServerContext,
  { isAdmin, transport, authorize, observer }: GrpcOptions,
): Http2Listener {
  const rpcs = rpcsOf(context, isAdmin);
  const calls = createGrpcListener(rpcs, {
    answerFields: ({ fields }) => {
      const given = currentRequest.getStore()?.requestId ?? fields.find(({ name }) => name === 'x-request-id')?.value;
      const { 'x-request-id': id, 'x-slipway-revision': revision } = context.answerHeaders(given);
      const known = { name: 'x-request-id', value: id };
      return revision === undefined ? [known] : [known, { name: 'x-slipway-revision', value: revision }];
    },
    failureOf: (cause) => {
      context.unexpected(cause);
      const failure = toRequestError(cause);
      const record = currentRequest.getStore();
      if (record !== undefined) record.failure = failure;
      return { code: ERROR_CODES[failure.code].grpc, message: failure.message };
    },
    authorize: authorize === undefined ? undefined : (exchange) => authorizeCall(authorize, exchange),
  });
  const listener = observer === undefined ? calls : recordedListener(calls, rpcs, observer);
  return transport === 'own'
    ? createOwnListener(listener, { onFault: context.unexpected })
    : createNodeListener(listener);
}

/** What a probe asks, which has no token. */
const OPEN: ReadonlySet<string> = new Set([
  `/${HEALTH}/Check`,
  `/${HEALTH}/Watch`,
  `/${INFERENCE}/ServerLive`,
  `/${INFERENCE}/ServerReady`,
]);

async function authorizeCall(authorize: Authorize, { request, peer }: Exchange): Promise<void> {
  if (OPEN.has(request.path)) return;
  const valueOf = (wanted: string) => request.fields.find(({ name }) => name === wanted)?.value;
  const caller = await authorize({
    authorization: valueOf('authorization'),
    gatewayToken: valueOf(GATEWAY_TOKEN_HEADER),
    peerNames: peer.names,
  });
  const record = currentRequest.getStore();
  if (record !== undefined) record.identity = caller.identity ?? record.identity;
}

function rpcsOf(context: ServerContext, isAdmin: boolean): Rpcs {
  const models = modelMethods(context);
  const more = isAdmin ? repositoryMethods(context) : inferMethods(context);
  const methods = { unary: { ...models.unary, ...more.unary }, streaming: more.streaming ?? {} };
  const files = ['inference.proto', 'health.proto', 'reflection.proto'];
  const reflection = reflectionMethods([INFERENCE, HEALTH, REFLECTION], files.map(describedFile));
  const reflected = serviceOf('reflection.proto', REFLECTION, reflection);
  return new Map([
    ...serviceOf('inference.proto', INFERENCE, methods, INFER_CODECS),
    ...serviceOf('health.proto', HEALTH, healthMethods(context, [INFERENCE])),
    ...reflected,
    // Older clients ask for the same by its old name.
    ...[...reflected].map(([path, rpc]) => [path.replace(REFLECTION, REFLECTION_ALPHA), rpc] as const),
  ]);
}
