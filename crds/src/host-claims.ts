/** Who has a host name that several TrafficRoutes list: decided in one place, so that the operator says what the gateways do. */

/** A route that lists the host. */
export interface HostClaim {
  /** In milliseconds since 1970. */
  readonly createdAt: number;
  readonly uid: string;
}

/** The first has the host: the older, and of the same second the one with the smaller uid. */
export function byClaim(a: HostClaim, b: HostClaim): number {
  return a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : 1);
}

export function hostClaimOf(metadata: {
  readonly creationTimestamp?: string | undefined;
  readonly uid?: string | undefined;
}): HostClaim {
  const { creationTimestamp = '', uid = '' } = metadata;
  return { createdAt: Date.parse(creationTimestamp) || 0, uid };
}
