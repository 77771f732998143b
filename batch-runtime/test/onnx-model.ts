/** Writes small ONNX models byte by byte. Field numbers: onnx/onnx.proto of ONNX 1.21. */

function varint(whole: number): Buffer {
  const bytes: number[] = [];
  let rest = whole;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

const number = (field: number, whole: number): Buffer => Buffer.concat([varint(field * 8), varint(whole)]);
const bytes = (field: number, content: Uint8Array | string): Buffer => {
  const body = Buffer.from(content as Uint8Array);
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
};
const message = (field: number, ...parts: Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

const FLOAT = 1;

function value(field: number, name: string, sizes: readonly (number | string)[]): Buffer {
  const shape = sizes.map((size) => message(1, typeof size === 'number' ? number(1, size) : bytes(2, size)));
  return message(field, bytes(1, name), message(2, message(1, number(1, FLOAT), message(2, ...shape))));
}

/** How the weights [2, 1] of the model are stored. */
export type Weights =
  | { readonly inside: true }
  | { readonly location: string; readonly offset?: number; readonly length?: number };

function tensor(field: number, name: string, weights: Weights): Buffer {
  const head = [number(1, 2), number(1, 1), number(2, FLOAT), bytes(8, name)];
  if ('inside' in weights) return message(field, ...head, bytes(9, new Uint8Array(Float32Array.of(1, 2).buffer)));
  const entry = (key: string, text: string): Buffer => message(13, bytes(1, key), bytes(2, text));
  const { location, offset, length } = weights;
  const range = [
    ...(offset === undefined ? [] : [entry('offset', String(offset))]),
    ...(length === undefined ? [] : [entry('length', String(length))]),
  ];
  return message(field, ...head, entry('location', location), ...range, number(14, 1));
}

function model(nodes: Buffer[], weights: Buffer[], inputs: number): Buffer {
  const names = Array.from({ length: inputs }, (_, index) =>
    value(11, index === 0 ? 'x' : `unused_${index}`, ['n', 2]),
  );
  const graph = message(7, ...nodes, bytes(2, 'graph'), ...weights, ...names, value(12, 'y', ['n', 1]));
  return Buffer.concat([number(1, 8), graph, message(8, bytes(1, ''), number(2, 17))]);
}

const matMul = message(1, bytes(1, 'x'), bytes(1, 'w'), bytes(2, 'y'), bytes(4, 'MatMul'));

/** y = x · w for x [n, 2]; the weights are an initializer. */
export function linearModel(weights: Weights = { inside: true }, inputs = 1): Buffer {
  return model([matMul], [tensor(5, 'w', weights)], inputs);
}

/** The same with the weights as an attribute of a Constant node, which runtimes look at less closely. */
export function constantModel(weights: Weights): Buffer {
  const attribute = message(5, bytes(1, 'value'), tensor(5, 't', weights), number(20, 4));
  return model([message(1, bytes(2, 'w'), bytes(4, 'Constant'), attribute), matMul], [], 1);
}

/** The bytes of the weights, for a file of external data. */
export const WEIGHT_BYTES = new Uint8Array(Float32Array.of(1, 2).buffer);

/** Numbers of onnx.TensorProto.DataType. */
const ELEMENT_TYPES = {
  Float32: 1,
  Int32: 6,
  Int64: 7,
  String: 8,
  Bool: 9,
  Float16: 10,
  Float64: 11,
  UInt8: 2,
} as const;

export interface GraphValue {
  readonly name: string;
  readonly type: keyof typeof ELEMENT_TYPES;
  /** A string is the name of a dimension of any size. */
  readonly shape: readonly (number | string)[];
}

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers, such as `axis`. */
  readonly attributes?: Readonly<Record<string, number>>;
}

export interface Graph {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly nodes: readonly GraphNode[];
  /** Of Float32. */
  readonly constants?: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: readonly number[];
  }[];
  /** Properties that an exporter would write. */
  readonly metadata?: Readonly<Record<string, string>>;
}

function typedValue(field: number, { name, type, shape }: GraphValue): Buffer {
  const sizes = shape.map((size) => message(1, typeof size === 'number' ? number(1, size) : bytes(2, size)));
  return message(field, bytes(1, name), message(2, message(1, number(1, ELEMENT_TYPES[type]), message(2, ...sizes))));
}

/** The bytes of a model with this graph (opset 17, IR version 8). */
export function graphModel({ inputs, outputs, nodes, constants = [], metadata = {} }: Graph): Uint8Array {
  const nodeFields = nodes.map(({ operator, attributes = {}, ...node }) =>
    message(
      1,
      ...node.inputs.map((name) => bytes(1, name)),
      ...node.outputs.map((name) => bytes(2, name)),
      bytes(4, operator),
      ...Object.entries(attributes).map(([name, whole]) => message(5, bytes(1, name), number(3, whole), number(20, 2))),
    ),
  );
  const constantFields = constants.map(({ name, shape, values }) =>
    message(
      5,
      ...shape.map((size) => number(1, size)),
      number(2, FLOAT),
      bytes(8, name),
      bytes(9, new Uint8Array(Float32Array.from(values).buffer)),
    ),
  );
  const graph = message(
    7,
    ...nodeFields,
    bytes(2, 'graph'),
    ...constantFields,
    ...inputs.map((input) => typedValue(11, input)),
    ...outputs.map((output) => typedValue(12, output)),
  );
  const properties = Object.entries(metadata).map(([key, text]) => message(14, bytes(1, key), bytes(2, text)));
  return Buffer.concat([number(1, 8), graph, message(8, bytes(1, ''), number(2, 17)), ...properties]);
}
