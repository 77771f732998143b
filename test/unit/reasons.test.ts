/** docs/reasons.md lists exactly the reasons that the operator and its Jobs can give: people look up what they see. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH_REASONS } from '@slipway/crds/batch';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** Reasons of Kubernetes that we pass on: of a Job that failed, of a request that the API server refused. */
const FROM_KUBERNETES = ['BackoffLimitExceeded', 'PodFailurePolicy', 'BadRequest'];

/** Reasons that source composes, with what they can become. */
const COMPOSED: Readonly<Record<string, readonly string[]>> = {
  '${kind.kind}NotFound': ['DatasetNotFound', 'ModelNotFound'],
};

/** `conditionsOfError` shows only these of the transient errors. */
const SHOWN_OF_TRANSIENT = new Set(['Forbidden', 'QuotaExceeded']);

const LITERAL = /'([A-Z][A-Za-z]+)'|`([^`]*)`/g;
/** The value after `reason:` or `reason =`, up to where it ends; a comparison (`===`) is no value. */
const VALUE = /\breason\s*(?::|=(?!=))([^;,{}]*)/g;
const ERROR = /new (Blocked|InvalidSpec|Transient)Error\(\s*([^,]*),/g;

function reasonsIn(source: string): string[] {
  const values = [...source.matchAll(VALUE)].map(([, value = '']) => givenBy(value));
  const errors = [...source.matchAll(ERROR)].map(([, kind, argument = '']) => {
    const reasons = literals(argument);
    return kind === 'Transient' ? reasons.filter((reason) => SHOWN_OF_TRANSIENT.has(reason)) : reasons;
  });
  return [...values, ...errors].flat().flatMap((reason) => COMPOSED[reason] ?? [reason]);
}

/** `isOld ? 'A' : 'B'` gives A and B; what is compared before the question mark is no reason that is given. */
function givenBy(value: string): string[] {
  const branches = value.indexOf(' ? ');
  return literals(branches === -1 ? value : value.slice(branches));
}

function literals(text: string): string[] {
  // In `${…}` of a template the braces end VALUE early: such a reason has to be written in a way that this test can read.
  return [...text.matchAll(LITERAL)].map(([, plain, template]) => plain ?? template ?? '');
}

function sourceFiles(): string[] {
  const operator = readdirSync(join(root, 'operator/src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith('testing/'))
    .map((path) => join('operator/src', path));
  // The only two of the runtime whose reasons people see.
  return [...operator, 'kube/src/apply.ts', 'kube/src/errors.ts'];
}

function reasonsOfTheCode(): Set<string> {
  const found = sourceFiles().flatMap((path) => reasonsIn(readFileSync(join(root, path), 'utf8')));
  return new Set([...found, ...BATCH_REASONS, ...FROM_KUBERNETES]);
}

function rowsOfThePage(): string[][] {
  const lines = readFileSync(join(root, 'docs/reasons.md'), 'utf8').split('\n');
  return lines
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function reasonOf(row: readonly string[]): string {
  return (row[0] ?? '').replaceAll('`', '');
}

describe('docs/reasons.md', () => {
  const inCode = reasonsOfTheCode();
  const inPage = new Set(rowsOfThePage().map(reasonOf));

  it('lists every reason that the code can give', () => {
    expect([...inCode].filter((reason) => !inPage.has(reason))).toEqual([]);
  });

  it('lists no reason that no code gives', () => {
    expect([...inPage].filter((reason) => !inCode.has(reason))).toEqual([]);
  });

  it('says of each what it means and what to do', () => {
    for (const row of rowsOfThePage()) {
      expect(row, reasonOf(row)).toHaveLength(3);
      expect(row.every((cell) => cell !== '')).toBe(true);
    }
  });
});

describe('how reasons are found in source', () => {
  it('reads literals, both branches of a choice, and errors', () => {
    expect(reasonsIn(`return { reason: 'Built', message: 'x' };`)).toEqual(['Built']);
    expect(reasonsIn(`const reason = quota ? 'QuotaExceeded' : 'PodRefused';`)).toEqual([
      'QuotaExceeded',
      'PodRefused',
    ]);
    expect(reasonsIn(`reason: reason === 'Old' ? 'New' : reason, message`)).toEqual(['New']);
    expect(reasonsIn(`throw new BlockedError(\n  'NameTaken',\n  \`x\`)`)).toEqual(['NameTaken']);
    expect(reasonsIn('throw new BlockedError(`${kind.kind}NotFound`, message)')).toEqual([
      'DatasetNotFound',
      'ModelNotFound',
    ]);
  });

  it('leaves out comparisons, and errors that never become a condition', () => {
    expect(reasonsIn(`if (outcome.reason === 'Starting') return;`)).toEqual([]);
    expect(reasonsIn(`throw new TransientError('Conflict', 'x')`)).toEqual([]);
  });
});
