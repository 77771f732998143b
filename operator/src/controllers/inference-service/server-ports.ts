/** Where the pods of a revision take requests: as their template says, which never changes. */
import type { DeepReadonly } from '@slipway/kube';
import { takesGatewaysAlone } from './build-known-gateways.ts';
import { SERVER } from './pod-input.ts';
import type { PodTemplate } from './revision.ts';

export interface ServerPorts {
  readonly httpPort: number;
  /** Absent: they do not speak gRPC. */
  readonly grpcPort?: number | undefined;
  /** Absent: they take requests from whoever reaches them. */
  readonly callers?: 'Gateways' | undefined;
}

/** Undefined for a template that is none of ours. */
export function serverPorts(template: DeepReadonly<PodTemplate> | undefined): ServerPorts | undefined {
  const ports = template?.spec?.containers.find(({ name }) => name === SERVER)?.ports ?? [];
  const numberOf = (wanted: string) => ports.find(({ name }) => name === wanted)?.containerPort;
  const [httpPort, grpcPort] = [numberOf('http'), numberOf('grpc')];
  if (httpPort === undefined) return undefined;
  return {
    httpPort,
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(takesGatewaysAlone(template) ? { callers: 'Gateways' as const } : {}),
  };
}

/** As a route that is there has them. */
export function livePorts(endpoints: ServerPorts | undefined): ServerPorts | undefined {
  if (endpoints === undefined) return undefined;
  const { httpPort, grpcPort, callers } = endpoints;
  return {
    httpPort,
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(callers === undefined ? {} : { callers }),
  };
}
