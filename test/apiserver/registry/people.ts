/** What people do, and what the API server says against it. */
import type { ControlPlane } from '../control-plane.ts';

/** Rights are not what is tried here. */
export const everybodyMay = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'everybody' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }],
};

type Plane = Pick<ControlPlane, 'kubectl'>;

/** Empty where the API server takes it. */
export async function refusal(plane: Plane, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stderr } = await plane.kubectl(args, stdin);
  return code === 0 ? '' : stderr;
}

export interface Person {
  readonly user: string;
  readonly groups?: readonly string[];
}

export function applyAs(plane: Plane, { user, groups = [] }: Person, object: object): Promise<string> {
  const as = [`--as=${user}`, ...groups.map((group) => `--as-group=${group}`)];
  return refusal(plane, [...as, 'apply', '-f', '-'], JSON.stringify(object));
}
