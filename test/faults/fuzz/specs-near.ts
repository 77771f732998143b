/** Specs that differ from a good one in a few places, some valid, some slightly wrong, as the schema of the kind has it. Pure. */
import { array, boolean, constant, constantFrom, integer, oneof, record, string, stringMatching } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { JsonSchema } from '../../../crds/src/generate/structural-schema.ts';

type Path = readonly (string | number)[];

interface Change {
  readonly path: Path;
  /** Undefined: the member is left out. */
  readonly value: unknown;
}

const MAX_CHANGES = 3;

export function specsNear(schema: JsonSchema, good: object): Arbitrary<object> {
  const changes = nodesOf(schema, []).map(([path, node]) =>
    oneof(valid(node), wrong(node), constant(undefined)).map((value): Change => ({ path, value })),
  );
  return array(oneof(...changes), { minLength: 1, maxLength: MAX_CHANGES }).map((chosen) =>
    chosen.reduce((spec, { path, value }) => changed(spec, path, value) as object, good),
  );
}

/** Every place in a spec but the whole; of a list, its first entry. */
function nodesOf(schema: JsonSchema, path: Path): (readonly [Path, JsonSchema])[] {
  const here: (readonly [Path, JsonSchema])[] = path.length === 0 ? [] : [[path, schema]];
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const items = schema['items'] as JsonSchema | undefined;
  return [
    ...here,
    ...properties.flatMap(([name, child]) => nodesOf(child, [...path, name])),
    ...(items === undefined ? [] : nodesOf(items, [...path, 0])),
  ];
}

function changed(at: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const [first, ...others] = Array.isArray(at) ? (at as readonly unknown[]) : [];
    const entry = changed(first, rest, value);
    return entry === undefined ? others : [entry, ...others];
  }
  const { [key]: before, ...others } = isMembers(at) ? at : {};
  const after = changed(before, rest, value);
  return after === undefined ? others : { ...others, [key]: after };
}

function isMembers(at: unknown): at is Readonly<Record<string, unknown>> {
  return typeof at === 'object' && at !== null;
}

/** What the schema allows, but for the rules in CEL that speak of several fields. */
function valid(schema: JsonSchema): Arbitrary<unknown> {
  if (schema['enum'] !== undefined) return constantFrom(...(schema['enum'] as readonly unknown[]));
  if (schema['x-kubernetes-int-or-string'] === true) return constantFrom(1, '100m', '1Gi');
  switch (schema['type']) {
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return smallNumber(schema);
    case 'boolean':
      return boolean();
    case 'array':
      return shortList(schema);
    default:
      return members(schema);
  }
}

/** Each may be a number of pods. */
function smallNumber(schema: JsonSchema): Arbitrary<number> {
  const least = Math.ceil(Number(schema['minimum'] ?? 0));
  return integer({ min: least, max: Math.min(Number(schema['maximum'] ?? least + 3), least + 3) });
}

function shortList(schema: JsonSchema): Arbitrary<readonly unknown[]> {
  const minLength = Number(schema['minItems'] ?? 0);
  const maxLength = Math.min(Number(schema['maxItems'] ?? minLength + 2), minLength + 2);
  return array(valid(schema['items'] as JsonSchema), { minLength, maxLength });
}

function members(schema: JsonSchema): Arbitrary<object> {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const arbitraries = Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, valid(child)]));
  return record(arbitraries, { requiredKeys: (schema['required'] ?? []) as string[] });
}

const MATCHES = /^self\.matches\(r?'(.*)'\)$/;
const LONGEST = 60;

function text(schema: JsonSchema): Arbitrary<string> {
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly { readonly rule: string }[];
  const pattern = rules.map(({ rule }) => MATCHES.exec(rule)?.[1]).find((found) => found !== undefined);
  const maxLength = Math.min(Number(schema['maxLength'] ?? LONGEST), LONGEST);
  if (pattern === undefined) return string({ minLength: Number(schema['minLength'] ?? 0), maxLength });
  return stringMatching(new RegExp(pattern)).filter(({ length }) => length <= maxLength);
}

const WRONG = [
  null,
  '',
  'no such thing',
  '../../etc',
  '日本',
  'x'.repeat(70_000),
  -1,
  2 ** 53,
  1.5,
  true,
  [],
  {},
  { a: 1 },
];

/** Mostly not what the schema allows; at times only what it does not expect. */
function wrong(schema: JsonSchema): Arbitrary<unknown> {
  const beyond = ['maximum', 'minimum'].flatMap((bound) => {
    const limit = schema[bound];
    return typeof limit === 'number' ? [limit + (bound === 'maximum' ? 1 : -1)] : [];
  });
  return constantFrom(...WRONG, ...beyond);
}
