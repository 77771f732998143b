const SUFFIXES: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [1024n, 1],
  Mi: [1024n, 2],
  Gi: [1024n, 3],
  Ti: [1024n, 4],
  Pi: [1024n, 5],
  Ei: [1024n, 6],
};

/**
 * True when both are Kubernetes quantities (apimachinery pkg/api/resource) of the same value: "1000m" and 1, "1Gi" and
 * "1024Mi". The API server stores its own spelling, not ours.
 */
export function isSameQuantity(a: string | number, b: string | number): boolean {
  const [x, y] = [toNanos(String(a)), toNanos(String(b))];
  return x !== undefined && x === y;
}

/** The value of a Kubernetes quantity: 65536 for "64Ki"; undefined when the text is none. */
export function quantityValue(quantity: string | number): number | undefined {
  const nanos = toNanos(String(quantity));
  return nanos === undefined ? undefined : Number(nanos) / 1e9;
}

/** In billionths, the smallest that a quantity knows; undefined when the text is no quantity. */
function toNanos(text: string): bigint | undefined {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const [base, power] =
    exponent === undefined ? (SUFFIXES[suffix] as [bigint, number]) : ([10n, Number(exponent)] as const);
  const digits = BigInt(whole + fraction) * 10n ** 9n;
  const up = power > 0 ? base ** BigInt(power) : 1n;
  const down = (power < 0 ? base ** BigInt(-power) : 1n) * 10n ** BigInt(fraction.length);
  const value = (digits * up) / down;
  return sign === '-' ? -value : value;
}
