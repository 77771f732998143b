import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listMap, matching, withRules } from '../v1alpha1/common.ts';
import { structuralSchema } from './structural-schema.ts';

describe('structuralSchema', () => {
  it('keeps bounds and defaults, and does not require what has a default', () => {
    const schema = structuralSchema(
      z.strictObject({ n: z.number().int().min(1).max(9).default(3), s: z.string().max(5) }),
    );

    expect(schema).toMatchObject({
      type: 'object',
      required: ['s'],
      properties: { n: { type: 'integer', format: 'int64', minimum: 1, maximum: 9, default: 3 }, s: { maxLength: 5 } },
    });
  });

  it('leaves out additionalProperties, which an API server refuses beside properties', () => {
    expect(JSON.stringify(structuralSchema(z.strictObject({ a: z.string() })))).not.toContain('additionalProperties');
  });

  it('drops the bounds that zod adds to every integer, because they are no bounds of ours', () => {
    expect(structuralSchema(z.number().int())).toEqual({ type: 'integer', format: 'int64' });
  });

  it('turns a union of number and string into int-or-string when it is marked so', () => {
    const quantity = z.union([z.string(), z.number()]).meta({ 'x-kubernetes-int-or-string': true });

    expect(structuralSchema(quantity)).toEqual({ 'x-kubernetes-int-or-string': true });
    expect(structuralSchema(quantity.default('64Ki'))).toEqual({ default: '64Ki', 'x-kubernetes-int-or-string': true });
  });

  it('refuses other unions and names the field', () => {
    const schema = z.strictObject({ a: z.strictObject({ b: z.union([z.string(), z.number()]) }) });

    expect(() => structuralSchema(schema)).toThrow('.a.b: anyOf cannot be said');
  });

  it('replaces a pattern by a rule with words, which survives later calls on the schema', () => {
    const schema = structuralSchema(z.strictObject({ a: matching(/^a+$/, 9, 'write a').describe('An a.').optional() }));

    expect(schema['properties']).toEqual({
      a: {
        type: 'string',
        description: 'An a.',
        minLength: 1,
        maxLength: 9,
        'x-kubernetes-validations': [{ rule: "self.matches(r'^a+$')", message: 'write a' }],
      },
    });
  });

  it('adds rules to the rules that a schema has', () => {
    const twice = withRules(withRules(z.string().max(1), [{ rule: 'a', message: 'a' }]), [{ rule: 'b', message: 'b' }]);

    expect(structuralSchema(twice)['x-kubernetes-validations']).toHaveLength(2);
  });

  it('keeps the keys of a list map after min()', () => {
    const list = listMap(z.strictObject({ name: z.string() }), 4, ['name']).min(1);

    expect(structuralSchema(list)).toMatchObject({ minItems: 1, 'x-kubernetes-list-map-keys': ['name'] });
  });
});
