/**
 * Negative when `a` is older than `b`, positive when it is newer, 0 when equal or not comparable.
 *
 * Both must be of the same resource type. Kubernetes documents them as decimal integers of any size ("API Concepts",
 * resource versions); an extension API server that uses something else gets 0: such versions have no order.
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined || a === b) return 0;
  if (!isDecimal(a) || !isDecimal(b)) return 0;
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function isDecimal(text: string): boolean {
  return /^\d+$/.test(text);
}
