/** The alerts of the chart: PromQL that parses, on metrics that docs/operations.md tells of, with a section there for each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

interface Rules {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook: string };
}

const root = join(import.meta.dirname, '..', '..');
const rules = load(readFileSync(join(root, 'charts/slipway/files/alerts.yaml'), 'utf8')) as Rules;
const alerts = rules.groups.flatMap((group) => group.rules);
const operations = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** Names of metrics in an expression, and how often it is wrong. */
function parse(expression: string): { readonly metrics: readonly string[]; readonly errors: number } {
  const metrics: string[] = [];
  let errors = 0;
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) errors += 1;
      const isMetric = type.name === 'Identifier' && expression[from - 1] !== '"';
      if (isMetric) metrics.push(expression.slice(from, to));
    },
  });
  return { metrics, errors };
}

describe.each(alerts)('$alert', ({ alert, expr, annotations }) => {
  const { metrics, errors } = parse(expr.replaceAll('SELECTOR', 'job="slipway-metrics"'));

  it('is PromQL on metrics that the docs tell of', () => {
    expect(errors).toBe(0);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics.filter((name) => name !== 'up')) expect(operations).toContain(`\`${metric}\``);
  });

  it('looks at this release alone', () => {
    expect(expr.match(/SELECTOR/g)).toHaveLength(metrics.length);
  });

  it('has a section that says what to do', () => {
    expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(operations).toContain(`### ${alert}\n`);
  });
});

it('knows a wrong expression', () => {
  expect(parse('sum(rate(x[5m])').errors).toBeGreaterThan(0);
});
