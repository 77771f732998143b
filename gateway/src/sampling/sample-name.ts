/**
 * Names of files with samples, below their folder: `<namespace>/<service>/<hour>-<owner>-<incarnation>-<number>.jsonl`, and
 * `.open` after it while lines are added. Pure.
 */

export interface Writer {
  /** The same for a gateway that is started again in the same place: see `ownerOf`. */
  readonly owner: string;
  /** Of this process alone: eight hexadecimal digits. */
  readonly incarnation: string;
}

export const OPEN_SUFFIX = '.open';

/** Names of Kubernetes: what else a route could be called would lead out of the folder. */
const SAFE = /^[a-z0-9][-a-z0-9.]*$/;

/** undefined where the names are none that Kubernetes gives. */
export function folderOf(namespace: string, service: string): string | undefined {
  return SAFE.test(namespace) && SAFE.test(service) ? `${namespace}/${service}` : undefined;
}

/** Of the name of the machine, which in a pod is the pod's. */
export function ownerOf(hostName: string): string {
  return hostName.replaceAll(/[^A-Za-z0-9-]/g, '-') || 'gateway';
}

/** Of one that is open. @param begunAt In milliseconds since 1970. */
export function fileName({ owner, incarnation }: Writer, begunAt: number, number: number): string {
  const hour = new Date(begunAt).toISOString().slice(0, 'YYYY-MM-DDThh'.length);
  return `${hour}-${owner}-${incarnation}-${number}.jsonl${OPEN_SUFFIX}`;
}

const NAME = /^\d{4}-\d{2}-\d{2}T\d{2}-([A-Za-z0-9-]+)-([0-9a-f]{8})-\d+\.jsonl(\.open)?$/;

/** undefined for files of other people, which nobody touches. */
export function readFileName(name: string): (Writer & { readonly isOpen: boolean }) | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, owner = '', incarnation = '', suffix] = match;
  return { owner, incarnation, isOpen: suffix !== undefined };
}
