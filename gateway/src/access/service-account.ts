/** Who a caller is, and whether a route lets it in. */
import type { Access } from '../routing/route.ts';

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

const USERNAME = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** undefined where the API server's user is no service account. */
export function serviceAccountOf(username: string): ServiceAccount | undefined {
  const [, namespace, name] = USERNAME.exec(username) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

export function isAllowedAccount(
  { serviceAccounts, namespaces }: Access,
  { namespace, name }: ServiceAccount,
): boolean {
  return namespaces.has(namespace) || serviceAccounts.has(`${namespace}/${name}`);
}
