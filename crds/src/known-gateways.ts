/**
 * By what a model server knows the gateways: the operator writes it into a ConfigMap that is mounted into pods, as one file of
 * JSON. A gateway sends a token of its service account, made for one service alone; it is checked without asking anybody.
 */
import { z } from 'zod';

/** The header, or metadata of gRPC, that has the token, and nothing but it. `authorization` is the client's. */
export const GATEWAY_TOKEN_HEADER = 'x-slipway-gateway-token';

/** Whom a token is for. A server that passes one on cannot use it for any other service. */
export function gatewayTokenAudience(namespace: string, service: string): string {
  return `slipway:${namespace}/${service}`;
}

export const KnownGateways = z.strictObject({
  /** The claim `iss` of their tokens. */
  issuer: z.string().min(1).max(2048),
  /** The claim `aud`. */
  audience: z.string().min(1).max(512),
  /** The claim `sub` is one of these. */
  subjects: z.array(z.string().min(1).max(512)).min(1).max(16),
  /** The public keys of the issuer: a JSON Web Key Set (RFC 7517). */
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .min(1)
    .max(100),
});
export type KnownGateways = z.infer<typeof KnownGateways>;
