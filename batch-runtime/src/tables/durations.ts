const UNITS: Readonly<Record<string, number>> = { ms: 1_000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000 };

/** Microseconds of a Go duration such as `1h30m`; the schema of the API has seen to its form. */
export function microseconds(duration: string): bigint {
  const parts = [...duration.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  return parts.reduce(
    (sum, [, amount, unit]) => sum + BigInt(Math.round(Number(amount) * (UNITS[unit ?? 's'] ?? 0))),
    0n,
  );
}

/** An interval in SQL. */
export function interval(amount: bigint): string {
  return `to_microseconds(${amount})`;
}
