/** A TrafficRoute as the data plane uses it. */
import type { EndpointPool } from './endpoint-pool.ts';

export interface Route {
  readonly namespace: string;
  /** Of the InferenceService, and of the TrafficRoute. */
  readonly name: string;
  readonly uid: string;
  readonly sequence: number;
  /** In milliseconds since 1970; which of two routes came first. */
  readonly createdAt: number;
  readonly hosts: readonly string[];
  readonly backends: readonly Backend[];
  /** One of `backends`. */
  readonly stable: Backend;
  readonly sticky: Sticky | undefined;
  readonly mirrors: readonly Mirror[];
  /** Who may send requests; undefined: everybody. */
  readonly access: Access | undefined;
  /** Some of its pods take requests from gateways alone, and know them by a token. */
  readonly needsGatewayToken: boolean;
  /** Which requests are written into files; undefined: none. */
  readonly sampling: Sampling | undefined;
  /** From the end of a request to the beginning of its answer. */
  readonly timeoutMs: number;
  /** How many requests may wait for a pod, and how long; undefined: none may. */
  readonly hold: Hold | undefined;
}

export interface Sampling {
  /** 0 to 100, of the requests for predictions. */
  readonly percent: number;
  /** At each gateway. */
  readonly maxPerMinute: number;
  /** Kept of a body. */
  readonly maxBytes: number;
}

export interface Hold {
  readonly requests: number;
  readonly timeoutMs: number;
}

export interface Backend {
  readonly revision: string;
  /** undefined: nobody said. */
  readonly modelVersion: string | undefined;
  /** 0 to 100; those of a route are 100 together. */
  readonly weight: number;
  readonly pool: EndpointPool;
  readonly httpPort: number;
  /** undefined: its pods do not speak gRPC. */
  readonly grpcPort: number | undefined;
}

/** undefined where its pods do not speak the protocol. */
export function portOf({ httpPort, grpcPort }: Backend, isGrpc: boolean): number | undefined {
  return isGrpc ? grpcPort : httpPort;
}

export type Sticky = { readonly salt: string } & (
  | { readonly by: 'header'; readonly name: string }
  | { readonly by: 'bodyField'; readonly path: readonly string[] }
  | { readonly by: 'tensor'; readonly name: string }
);

export interface Access {
  /** `namespace/name` */
  readonly serviceAccounts: ReadonlySet<string>;
  /** All service accounts of these. */
  readonly namespaces: ReadonlySet<string>;
  /** In certificates of clients. */
  readonly certificateNames: ReadonlySet<string>;
}

export interface Mirror {
  readonly backend: Backend;
  readonly percent: number;
}
