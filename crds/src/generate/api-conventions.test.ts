/** What the conventions of our API demand of every kind; the first four are those that Kubernetes' own API linter checks. */
import { describe, expect, it } from 'vitest';
import { KINDS } from '../v1alpha1/kinds.ts';
import { buildCrd } from './crd.ts';
import { structuralSchema } from './structural-schema.ts';
import type { JsonSchema } from './structural-schema.ts';

interface Field {
  readonly path: string;
  readonly schema: JsonSchema;
}

function fieldsOf(schema: JsonSchema, path: string): Field[] {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const below = [
    ...properties.flatMap(([name, child]) => fieldsOf(child, `${path}.${name}`)),
    ...(schema['items'] === undefined ? [] : fieldsOf(schema['items'] as JsonSchema, `${path}[]`)),
  ];
  return [{ path, schema }, ...below];
}

const specFields = KINDS.flatMap((kind) => fieldsOf(structuralSchema(kind.spec), `${kind.kind}.spec`));
const allFields = [
  ...specFields,
  ...KINDS.flatMap(({ kind, status }) =>
    status === undefined ? [] : fieldsOf(structuralSchema(status), `${kind}.status`),
  ),
];

function paths(fields: readonly Field[], wrong: (schema: JsonSchema) => boolean): string[] {
  return fields.filter(({ schema }) => wrong(schema)).map(({ path }) => path);
}

function isUnboundedString(s: JsonSchema): boolean {
  return s['type'] === 'string' && ['maxLength', 'enum', 'format'].every((bound) => s[bound] === undefined);
}

describe('the API', () => {
  it('has no booleans but suspend: an enum can grow, a boolean cannot', () => {
    expect(paths(allFields, (s) => s['type'] === 'boolean')).toEqual(['TrainingJob.spec.suspend']);
  });

  it('bounds every string, or gives its values', () => {
    expect(paths(allFields, isUnboundedString)).toEqual([]);
  });

  it('bounds every list', () => {
    expect(paths(allFields, (s) => s['type'] === 'array' && s['maxItems'] === undefined)).toEqual([]);
  });

  it('has no field called phase or state, but for what a person wants and what Kubernetes calls so: conditions tell', () => {
    expect(allFields.map(({ path }) => path).filter((path) => /\.(phase|state)$/.test(path))).toEqual([
      'ModelRollout.spec.state',
      'Store.status.claim.phase',
    ]);
  });

  it('describes every field of a spec', () => {
    const named = specFields.filter(({ path }) => !path.endsWith('[]') && !path.endsWith('.spec'));

    expect(paths(named, (s) => s['description'] === undefined)).toEqual([]);
  });

  it.each(KINDS.map((kind) => [kind.kind, kind] as const))(
    '%s: its CRD is small, has a category if it is of a namespace, and columns that tell its age and, where it has a status, whether it is ready',
    (_, kind) => {
      const crd = buildCrd(kind);

      expect(JSON.stringify(crd).length).toBeLessThan(200_000);
      const isRead = kind.scope === undefined;
      expect(crd).toHaveProperty(
        'spec.names',
        isRead
          ? expect.objectContaining({ categories: ['slipway'] })
          : expect.not.objectContaining({ categories: expect.anything() }),
      );
      expect(kind.shortName).toMatch(/^sl[a-z]{2}$/);
      const told = kind.status === undefined ? ['Age'] : ['Ready', 'Reason', 'Age'];
      expect(kind.columns.map((column) => column.name)).toEqual(expect.arrayContaining(told));
    },
  );

  it('gives every kind a short name of its own', () => {
    expect(new Set(KINDS.map((kind) => kind.shortName)).size).toBe(KINDS.length);
  });
});
