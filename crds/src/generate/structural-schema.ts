/**
 * zod -> structural OpenAPI v3 schema, as CustomResourceDefinitions want it:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import { z } from 'zod';

export type JsonSchema = { [key: string]: unknown };

/** The structural schema of a zod schema. Throws, naming the path, for what cannot be said structurally. */
export function structuralSchema(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', cycles: 'throw' });
  return structural(json, '');
}

const COPIED = [
  'type',
  'description',
  'default',
  'enum',
  'format',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'nullable',
  'required',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const;

function structural(node: JsonSchema, path: string): JsonSchema {
  const described = node['description'] === undefined ? {} : { description: node['description'] };
  if (node['x-kubernetes-int-or-string'] === true) {
    const byDefault = node['default'] === undefined ? {} : { default: node['default'] };
    return { ...described, ...byDefault, 'x-kubernetes-int-or-string': true };
  }
  if (node['x-kubernetes-preserve-unknown-fields'] === true) {
    return { ...described, 'x-kubernetes-preserve-unknown-fields': true };
  }
  for (const key of ['anyOf', 'oneOf', 'allOf', 'not']) {
    if (node[key] !== undefined) throw new Error(`${path || '.'}: ${key} cannot be said in a structural schema`);
  }
  if (node['type'] === undefined) throw new Error(`${path || '.'}: a structural schema needs a type`);
  return { ...copied(node), ...integerFormat(node), ...children(node, path) };
}

function copied(node: JsonSchema): JsonSchema {
  const out: JsonSchema = {};
  for (const key of COPIED) if (node[key] !== undefined) out[key] = node[key];
  // The rule says the same in words that a person can act on (see `matching`).
  if (out['x-kubernetes-validations'] !== undefined) delete out['pattern'];
  if (out['maximum'] === Number.MAX_SAFE_INTEGER) delete out['maximum'];
  if (out['minimum'] === Number.MIN_SAFE_INTEGER) delete out['minimum'];
  return out;
}

function integerFormat(node: JsonSchema): JsonSchema {
  if (node['type'] === 'integer') return { format: 'int64' };
  return node['type'] === 'number' ? { format: 'double' } : {};
}

function children(node: JsonSchema, path: string): JsonSchema {
  if (node['type'] === 'array') return { items: structural(node['items'] as JsonSchema, `${path}[]`) };
  if (node['type'] !== 'object') return {};
  const properties = node['properties'] as Record<string, JsonSchema> | undefined;
  if (properties !== undefined) {
    return {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, structural(child, `${path}.${name}`)]),
      ),
    };
  }
  const values = node['additionalProperties'];
  if (typeof values === 'object' && values !== null) {
    return { maxProperties: MAX_MAP_ENTRIES, additionalProperties: structural(values as JsonSchema, `${path}{}`) };
  }
  throw new Error(`${path || '.'}: an object needs properties or a type of values`);
}

/** Every map is bounded, because the cost of CEL rules is reckoned for the longest one. */
const MAX_MAP_ENTRIES = 256;
