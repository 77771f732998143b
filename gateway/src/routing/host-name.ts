/** What a request says in Host or :authority, as the name by which a route is found. */

const PORT = /:\d{0,5}$/;
/** Letters, digits, `-` and `.`: also addresses of IPv4, which are found in no route. */
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const MAX_LENGTH = 253;

/** In small letters, without port and without the dot of the root; undefined where it is no name. */
export function hostNameOf(authority: string): string | undefined {
  const name = authority.replace(PORT, '').replace(/\.$/, '').toLowerCase();
  return name.length <= MAX_LENGTH && NAME.test(name) ? name : undefined;
}

/**
 * The names that a service has within the cluster, and one for whoever forwards a port of a gateway to his own machine: names
 * under `localhost` lead there (RFC 6761; curl and browsers need no resolver for it).
 */
export function clusterNames(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  clusterDomain: string,
): readonly string[] {
  const short = `${name}.${namespace}`;
  return [short, `${short}.svc`, `${short}.svc.${clusterDomain}`, `${short}.localhost`];
}
