/** The models of the table, made in code: the same bytes go to every server. Weights are made up; they cost what trained ones cost. */
import { addModel, encodeOnnxModel } from '@slipway/serving-runtime/testing/onnx-model';
import type { Constant, Node } from '@slipway/serving-runtime/testing/onnx-model';

export interface BenchModel {
  readonly name: 'a' | 'b' | 'c' | 'd';
  readonly bytes: Uint8Array;
  /** The one input, FP32; sizes of one row. */
  readonly input: { readonly name: string; readonly row: readonly number[] };
  readonly output: string;
}

/** A sum of two numbers: nothing but what it costs to call a model. */
const a: BenchModel = { name: 'a', bytes: addModel(), input: { name: 'x', row: [2] }, output: 'sum' };

/** Perceptron 784-128-10. */
const b: BenchModel = {
  name: 'b',
  bytes: encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', 784] }],
    outputs: [{ name: 'y', type: 'FP32', shape: ['n', 10] }],
    nodes: [...dense('x', 'hidden'), relu('hidden', 'active'), ...dense('active', 'y')],
    constants: [...denseWeights('hidden', 784, 128), ...denseWeights('y', 128, 10)],
  }),
  input: { name: 'x', row: [784] },
  output: 'y',
};

/** Two convolutions over 28x28, as for handwritten digits. */
const c: BenchModel = {
  name: 'c',
  bytes: encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', 1, 28, 28] }],
    outputs: [{ name: 'y', type: 'FP32', shape: ['n', 10] }],
    nodes: [
      ...convolution('x', 'first'),
      ...convolution('first', 'second'),
      { operator: 'Flatten', inputs: ['second'], outputs: ['flat'] },
      ...dense('flat', 'y'),
    ],
    constants: [
      ...convolutionWeights('first', 1, 16),
      ...convolutionWeights('second', 16, 32),
      ...denseWeights('y', 32 * 7 * 7, 10),
    ],
  }),
  input: { name: 'x', row: [1, 28, 28] },
  output: 'y',
};

/** Convolutions over 112x112 that take about 17 ms. */
const d: BenchModel = {
  name: 'd',
  bytes: encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', 3, 112, 112] }],
    outputs: [{ name: 'y', type: 'FP32', shape: ['n', 10] }],
    nodes: [
      ...convolution('x', 'first'),
      ...convolution('first', 'second'),
      ...convolution('second', 'third'),
      { operator: 'GlobalAveragePool', inputs: ['third'], outputs: ['mean'] },
      { operator: 'Flatten', inputs: ['mean'], outputs: ['flat'] },
      ...dense('flat', 'y'),
    ],
    constants: [
      ...convolutionWeights('first', 3, 64),
      ...convolutionWeights('second', 64, 128),
      ...convolutionWeights('third', 128, 128),
      ...denseWeights('y', 128, 10),
    ],
  }),
  input: { name: 'x', row: [3, 112, 112] },
  output: 'y',
};

export const MODELS = { a, b, c, d } as const;

function relu(from: string, to: string): Node {
  return { operator: 'Relu', inputs: [from], outputs: [to] };
}

function dense(from: string, to: string): Node[] {
  return [{ operator: 'Gemm', inputs: [from, `${to}.weights`, `${to}.bias`], outputs: [to] }];
}

function denseWeights(layer: string, inputs: number, outputs: number): Constant[] {
  return [weights(`${layer}.weights`, [inputs, outputs]), weights(`${layer}.bias`, [outputs])];
}

/** 3x3, then the largest of each 2x2. */
function convolution(from: string, to: string): Node[] {
  return [
    {
      operator: 'Conv',
      inputs: [from, `${to}.kernel`, `${to}.bias`],
      outputs: [`${to}.sum`],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
    },
    relu(`${to}.sum`, `${to}.active`),
    {
      operator: 'MaxPool',
      inputs: [`${to}.active`],
      outputs: [to],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    },
  ];
}

function convolutionWeights(layer: string, inputs: number, outputs: number): Constant[] {
  return [weights(`${layer}.kernel`, [outputs, inputs, 3, 3]), weights(`${layer}.bias`, [outputs])];
}

function weights(name: string, shape: readonly number[]): Constant {
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, shape, values: Array.from({ length: count }, (_, index) => Math.sin(index * 12.9898) / 16) };
}

/** Numbers between 0 and 1 for so many rows. */
export function rowsFor(
  { input }: BenchModel,
  rows: number,
): { readonly shape: number[]; readonly data: Float32Array } {
  const shape = [rows, ...input.row];
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, index) => Math.abs(Math.sin(index * 78.233))) };
}
