/** `<parent>-<number>-<first 6 digits of the digest>`: at most 63 characters, because a parent's name has at most 40. */
export function versionName(parent: string, number: number, digest: string): string {
  return `${parent}-${number}-${digest.replace(/^sha256:/, '').slice(0, 6)}`;
}
