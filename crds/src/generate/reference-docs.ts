/** The reference page of a kind, in Markdown, from the same schema that makes its CRD. */
import type { KindDefinition } from '../v1alpha1/common.ts';
import { groupVersion } from '../v1alpha1/custom-object.ts';
import { structuralSchema } from './structural-schema.ts';
import type { JsonSchema } from './structural-schema.ts';

export function referencePage(definition: KindDefinition): string {
  const { kind, shortName, plural } = definition;
  return [
    `# ${kind}`,
    '',
    `<!-- Generated from crds/src/v1alpha1 by \`npm run generate\`; do not edit. -->`,
    '',
    definition.description,
    '',
    `\`apiVersion: ${groupVersion}\` · \`kind: ${kind}\` · short name \`${shortName}\` · \`kubectl get ${plural}.slipway.dev\``,
    '',
    '## spec',
    '',
    ...fieldTable(structuralSchema(definition.spec)),
    ...ruleList('What the API server refuses', [...definition.rules, ...rulesBelow(structuralSchema(definition.spec))]),
    ...(definition.status === undefined ? [] : ['## status', '', ...fieldTable(structuralSchema(definition.status))]),
  ].join('\n');
}

function fieldTable(schema: JsonSchema): string[] {
  const rows = fields(schema, '').map(
    ({ path, type, required, text }) => `| \`${path}\` | ${type} | ${required ? 'yes' : ''} | ${text} |`,
  );
  return ['| field | type | required | meaning |', '|---|---|---|---|', ...rows, ''];
}

interface Field {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly text: string;
}

function fields(schema: JsonSchema, prefix: string): Field[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = new Set((schema['required'] ?? []) as string[]);
  return Object.entries(properties).flatMap(([name, child]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const item = (child['items'] ?? child) as JsonSchema;
    const inner = fields(item, child['items'] === undefined ? path : `${path}[]`);
    const own = { path, type: typeName(child), required: required.has(name), text: meaning(child) };
    return [own, ...inner];
  });
}

function typeName(schema: JsonSchema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return 'any';
  if (schema['type'] === 'array') return `list of ${typeName(schema['items'] as JsonSchema)}`;
  if (schema['additionalProperties'] !== undefined) {
    return `map of ${typeName(schema['additionalProperties'] as JsonSchema)}`;
  }
  return String(schema['type']);
}

function meaning(schema: JsonSchema): string {
  const { description, enum: values, default: fallback } = schema;
  const parts = [
    ...(typeof description === 'string' ? [description] : []),
    ...(Array.isArray(values) ? [`One of ${values.map((value) => `\`${value}\``).join(', ')}.`] : []),
    ...(fallback === undefined ? [] : [`Default: \`${JSON.stringify(fallback)}\`.`]),
    ...bounds(schema),
  ];
  return parts.join(' ').replaceAll('|', '\\|');
}

function bounds(schema: JsonSchema): string[] {
  const { minimum, maximum, maxLength, maxItems } = schema as Record<string, number | undefined>;
  const range = minimum === undefined && maximum === undefined ? [] : [`${minimum ?? ''} to ${maximum ?? ''}`.trim()];
  const length = maxLength === undefined ? [] : [`at most ${maxLength} characters`];
  const items = maxItems === undefined ? [] : [`at most ${maxItems} entries`];
  const all = [...range, ...length, ...items];
  return all.length === 0 ? [] : [`(${all.join(', ')})`];
}

interface MessageRule {
  readonly message: string;
}

function rulesBelow(schema: JsonSchema): MessageRule[] {
  const own = (schema['x-kubernetes-validations'] ?? []) as MessageRule[];
  const inner = [
    ...Object.values((schema['properties'] ?? {}) as Record<string, JsonSchema>),
    ...(schema['items'] === undefined ? [] : [schema['items'] as JsonSchema]),
  ];
  return [...own, ...inner.flatMap(rulesBelow)];
}

function ruleList(title: string, rules: readonly MessageRule[]): string[] {
  if (rules.length === 0) return [];
  const lines = [...new Set(rules.map((rule) => `- ${rule.message}`))];
  return [`## ${title}`, '', ...lines, ''];
}
