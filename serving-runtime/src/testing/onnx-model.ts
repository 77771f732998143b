/** Writes small ONNX models, byte by byte, so that tests and examples need no Python. Fields: onnx/onnx.proto of ONNX 1.21. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** Numbers of onnx.TensorProto.DataType. */
export const ELEMENT_TYPES = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export interface Value {
  readonly name: string;
  readonly type: ElementType;
  /** A string is the name of a dimension of any size. */
  readonly shape: readonly (number | string)[];
}

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Lists of whole numbers, such as `kernel_shape`. */
  readonly attributes?: Readonly<Record<string, readonly number[]>>;
}

export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Where the bytes are instead: entries of `external_data`. */
  readonly external?: ExternalData;
}

export type ExternalData = readonly (readonly [key: string, value: string])[];

export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly constants?: readonly Constant[];
}

const MESSAGE = 2;
/** Of onnx.TensorProto.DataLocation. */
const EXTERNAL = 1;

function message(writer: BinaryWriter, field: number, body: BinaryWriter): BinaryWriter {
  return writer.tag(field, MESSAGE).bytes(body.finish());
}

function text(writer: BinaryWriter, field: number, value: string): BinaryWriter {
  return writer.tag(field, MESSAGE).string(value);
}

function number(writer: BinaryWriter, field: number, value: number): BinaryWriter {
  return writer.tag(field, 0).int64(value);
}

function encodeValue({ name, type, shape }: Value): BinaryWriter {
  const dimensions = new BinaryWriter();
  for (const size of shape) {
    const dimension = new BinaryWriter();
    message(dimensions, 1, typeof size === 'number' ? number(dimension, 1, size) : text(dimension, 2, size));
  }
  const tensor = message(number(new BinaryWriter(), 1, ELEMENT_TYPES[type]), 2, dimensions);
  return message(text(new BinaryWriter(), 1, name), 2, message(new BinaryWriter(), 1, tensor));
}

function encodeNode({ operator, inputs, outputs, attributes = {} }: Node): BinaryWriter {
  const writer = new BinaryWriter();
  for (const input of inputs) text(writer, 1, input);
  for (const output of outputs) text(writer, 2, output);
  text(writer, 4, operator);
  for (const [name, values] of Object.entries(attributes)) message(writer, 5, encodeAttribute(name, values));
  return writer;
}

/** Number of onnx.AttributeProto.AttributeType. */
const INTS = 7;

function encodeAttribute(name: string, values: readonly number[]): BinaryWriter {
  const writer = text(new BinaryWriter(), 1, name);
  for (const value of values) number(writer, 8, value);
  return number(writer, 20, INTS);
}

function encodeConstant({ name, shape, values, external }: Constant): BinaryWriter {
  const writer = new BinaryWriter();
  for (const size of shape) number(writer, 1, size);
  number(writer, 2, ELEMENT_TYPES.FP32);
  text(writer, 8, name);
  if (external !== undefined) {
    for (const [key, value] of external) message(writer, 13, text(text(new BinaryWriter(), 1, key), 2, value));
    return number(writer, 14, EXTERNAL);
  }
  return writer.tag(9, MESSAGE).bytes(new Uint8Array(Float32Array.from(values).buffer));
}

function encodeGraph({ inputs, outputs, nodes, constants = [] }: Graph): BinaryWriter {
  const graph = new BinaryWriter();
  for (const node of nodes) message(graph, 1, encodeNode(node));
  text(graph, 2, 'graph');
  for (const constant of constants) message(graph, 5, encodeConstant(constant));
  for (const input of inputs) message(graph, 11, encodeValue(input));
  for (const output of outputs) message(graph, 12, encodeValue(output));
  return graph;
}

/** The bytes of a model.onnx with this graph (opset 17, IR version 8). */
export function encodeOnnxModel(graph: Graph): Uint8Array {
  return modelOf(encodeGraph(graph));
}

function modelOf(graph: BinaryWriter): Uint8Array {
  const opset = number(text(new BinaryWriter(), 1, ''), 2, 17);
  const model = message(number(new BinaryWriter(), 1, 8), 7, graph);
  return message(model, 8, opset).finish();
}

/** Where a model may have a tensor, and so a reference to a file. */
export type TensorPlace = 'initializer' | 'sparse' | 'constant' | 'subgraph' | 'function' | 'training';

/** y = x · weights for x [n, 2] (in `constant`), or y = x beside weights that nothing uses, which lie in a file. */
export function externalModel(place: TensorPlace, external: ExternalData): Uint8Array {
  const weights = { name: 'weights', shape: [2, 1], values: [], external };
  const tensor = () => encodeConstant(weights);
  const value = message(number(text(new BinaryWriter(), 1, 'value'), 20, 4), 5, tensor());
  const constant = message(text(text(new BinaryWriter(), 2, 'weights'), 4, 'Constant'), 5, value);
  const product = encodeNode({ operator: 'MatMul', inputs: ['x', 'weights'], outputs: ['y'] });
  const same = encodeNode({ operator: 'Identity', inputs: ['x'], outputs: ['y'] });
  const x = encodeValue({ name: 'x', type: 'FP32', shape: ['n', 2] });
  const y = encodeValue({
    name: 'y',
    type: 'FP32',
    shape: ['n', place === 'constant' || place === 'initializer' ? 1 : 2],
  });
  const graph = text(new BinaryWriter(), 2, 'graph');
  if (place === 'initializer') message(message(graph, 1, product), 5, tensor());
  else if (place === 'constant') message(message(graph, 1, constant), 1, product);
  else message(graph, 1, same);
  if (place === 'sparse') message(graph, 15, message(new BinaryWriter(), 1, tensor()));
  if (place === 'subgraph') message(graph, 1, branching(constant));
  message(message(graph, 11, x), 12, y);
  const model = Buffer.from(modelOf(graph));
  if (place === 'function')
    return Buffer.concat([model, message(new BinaryWriter(), 25, message(new BinaryWriter(), 7, constant)).finish()]);
  if (place !== 'training') return model;
  const trained = message(new BinaryWriter(), 1, message(new BinaryWriter(), 5, tensor()));
  return Buffer.concat([model, message(new BinaryWriter(), 20, trained).finish()]);
}

/** A node with a graph of its own. */
function branching(inner: BinaryWriter): BinaryWriter {
  const branch = message(text(new BinaryWriter(), 1, 'then_branch'), 6, message(new BinaryWriter(), 1, inner));
  return message(text(new BinaryWriter(), 4, 'If'), 5, branch);
}

/** y = x, for any type. */
export function identityModel(type: ElementType, shape: readonly (number | string)[] = ['n']): Uint8Array {
  return encodeOnnxModel({
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'y', type, shape }],
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
}

/** sum = the sum of the columns of x [n, 2]. */
export function addModel(): Uint8Array {
  return encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', 2] }],
    outputs: [{ name: 'sum', type: 'FP32', shape: ['n', 1] }],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'ones'], outputs: ['sum'] }],
    constants: [{ name: 'ones', shape: [2, 1], values: [1, 1] }],
  });
}

/** Fails when it runs: the two inputs only fit together when they have the same number of rows. */
export function pickyModel(): Uint8Array {
  return encodeOnnxModel({
    inputs: [
      { name: 'a', type: 'FP32', shape: ['n'] },
      { name: 'b', type: 'FP32', shape: ['m'] },
    ],
    outputs: [{ name: 'c', type: 'FP32', shape: ['n'] }],
    nodes: [{ operator: 'Add', inputs: ['a', 'b'], outputs: ['c'] }],
  });
}

/** c = a · b: takes as long as the matrices are large. @param size of both, where only one is allowed. */
export function productModel(size?: number): Uint8Array {
  const [n, k, m] = [size ?? 'n', size ?? 'k', size ?? 'm'];
  return encodeOnnxModel({
    inputs: [
      { name: 'a', type: 'FP32', shape: [n, k] },
      { name: 'b', type: 'FP32', shape: [k, m] },
    ],
    outputs: [{ name: 'c', type: 'FP32', shape: [n, m] }],
    nodes: [{ operator: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] }],
  });
}

/** row = table[index]; an index that the table of four rows does not have fails. */
export function lookupModel(): Uint8Array {
  return encodeOnnxModel({
    inputs: [{ name: 'index', type: 'INT64', shape: ['n'] }],
    outputs: [{ name: 'row', type: 'FP32', shape: ['n'] }],
    nodes: [{ operator: 'Gather', inputs: ['table', 'index'], outputs: ['row'] }],
    constants: [{ name: 'table', shape: [4], values: [10, 11, 12, 13] }],
  });
}

/** total = x + the sum of all rows: what it says of a row depends on the others. */
export function sharedSumModel(): Uint8Array {
  return encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n'] }],
    outputs: [{ name: 'total', type: 'FP32', shape: ['n'] }],
    nodes: [
      { operator: 'ReduceSum', inputs: ['x'], outputs: ['all'] },
      { operator: 'Add', inputs: ['x', 'all'], outputs: ['total'] },
    ],
  });
}
