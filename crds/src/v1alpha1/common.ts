/** Pieces that several kinds share. Bounds are there because the API server counts the worst case of every CEL rule. */
import { z } from 'zod';

/** A CEL rule with the sentence that a person reads when it is broken. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
}

/** Attaches CEL rules to a schema; the generator copies them into the CRD. */
export function withRules<T extends z.ZodType>(schema: T, rules: readonly Rule[]): T {
  const before = (schema.meta()?.['x-kubernetes-validations'] ?? []) as readonly Rule[];
  return schema.meta({ ...schema.meta(), 'x-kubernetes-validations': [...before, ...rules] });
}

/**
 * A string that must match a pattern, refused with a sentence of ours: a `pattern` in a CRD could only show the pattern.
 * The generator leaves the `pattern` out where there is such a rule.
 */
export function matching(pattern: RegExp, maxLength: number, message: string): z.ZodString {
  const schema = z.string().min(1).max(maxLength).regex(pattern, { message });
  return withRules(schema, [{ rule: `self.matches(r'${pattern.source}')`, message }]);
}

/** A list whose entries are told apart by `keys`, so that two appliers can own different entries. */
export function listMap<T extends z.ZodType>(item: T, max: number, keys: readonly string[]): z.ZodArray<T> {
  return z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

export const objectName = matching(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  63,
  'must be the name of an object: at most 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
).describe('Name of an object in the same namespace.');

/** `{name: …}`, named after the kind it points to. */
export function reference(description: string): z.ZodObject<{ name: typeof objectName }> {
  return z.strictObject({ name: objectName }).describe(description);
}

export const storeReference = reference('The Store, in the same namespace.')
  .default({ name: 'default' })
  .describe('The Store, in the same namespace. Default: the one named "default".');

/** A column of a table; no quotes or dots, so that it can stand in SQL, in a signature and in a file name. */
export const columnName = matching(
  /^[A-Za-z][A-Za-z0-9_]*$/,
  63,
  'must be a column name: letters, digits and "_", beginning with a letter; rename the column in the transform (AS ...)',
).describe('A column: letters, digits and _, beginning with a letter.');

export const keyType = z.enum(['String', 'Int64', 'Int32', 'Date']).describe('Type of an entity key.');

export const valueType = z
  .enum(['Float64', 'Float32', 'Int64', 'Int32', 'Boolean', 'String', 'Timestamp', 'Date'])
  .describe('Type of a feature; values that do not fit are an error, never cast silently.');

export const keyColumn = z.strictObject({ name: columnName, type: keyType });

export const sqlText = z
  .string()
  .min(1)
  .max(16_384)
  .describe('One SELECT in DuckDB SQL that reads the table `source`. It sees the source files and nothing else.');

export const duration = matching(
  /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/,
  32,
  'must be a Go duration such as 90s, 30m or 168h (there is no unit for days: write 24h)',
).describe('A Go duration, for example 90s, 30m or 168h.');

export const fileFormat = z.enum(['Csv', 'Parquet', 'Json']).describe('Format of the files.');

/** A path inside a Store. `..` and a leading `/` would leave it. */
export const storePath = withRules(
  z.string().min(1).max(512).describe('Path inside the Store; no leading /, no "..".'),
  [
    { rule: "!self.startsWith('/')", message: 'must not start with /; it is a path inside the Store' },
    {
      rule: "!self.split('/').exists(part, part == '..')",
      message: 'must not contain ".."; it is a path inside the Store',
    },
  ],
);

export const files = z
  .strictObject({
    store: storeReference,
    path: storePath.describe('Path inside the Store; may hold *, ? and **, for example flights/*.csv.'),
    format: fileFormat,
  })
  .describe('Files of one format in a Store.');

export const digest = matching(
  /^sha256:[0-9a-f]{64}$/,
  71,
  'must be sha256: followed by 64 hexadecimal digits in lower case',
).describe('sha256 over the sorted list of (sha256, size, path) of the files.');

export const quantity = z
  .union([z.string().max(32), z.number().int()])
  .meta({ 'x-kubernetes-int-or-string': true })
  .describe('A Kubernetes quantity, for example 500m or 2Gi.');

export const resources = z
  .strictObject({
    requests: z.record(z.string().max(63), quantity).optional().describe('What the scheduler sets aside.'),
    limits: z.record(z.string().max(63), quantity).optional().describe('What the container may not exceed.'),
  })
  .describe('Compute resources of the container, as in a Pod.');

export const run = z
  .number()
  .int()
  .min(1)
  .max(1_000_000)
  .default(1)
  .describe('Raise it to do the same thing again, for example after the files behind it were replaced.');

/** Rule for kinds whose name is the stem of their children's names. */
export const PARENT_NAME_RULE: Rule = {
  rule: "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
  message:
    'metadata.name must have at most 40 characters, start with a letter and hold only a-z, 0-9 and "-": names of children are made from it',
};

export const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(1024).describe('One word in PascalCase; part of the API.'),
  message: z.string().max(32_768).describe('What is so, and what to do about it.'),
  observedGeneration: z.number().int().optional(),
  lastTransitionTime: z.string().max(64).meta({ format: 'date-time' }),
});
export type Condition = z.infer<typeof condition>;

/** What the status of every kind begins with. */
export const baseStatus = {
  observedGeneration: z.number().int().optional().describe('The generation of the spec that this status speaks of.'),
  conditions: listMap(condition, 16, ['type']).optional(),
};

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** The columns that every kind ends with. */
export const READY_COLUMNS: readonly PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
];
export const AGE_COLUMN: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  /** Default: Namespaced. */
  readonly scope?: 'Cluster';
  /** undefined: the kind has none. */
  readonly status: z.ZodType | undefined;
  /** Rules on the whole object: `self.metadata.name`, `self.spec`, `oldSelf`. */
  readonly rules: readonly Rule[];
  readonly columns: readonly PrinterColumn[];
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath: string;
  };
}
