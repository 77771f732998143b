/** Tensors from `--set` and `--json`. */
import { didYouMean } from '../../did-you-mean.ts';
import { CliError, UsageError } from '../../errors.ts';
import { describeInputs, describeTensor, parseValue, shapeFor } from './tensors.ts';
import type { ModelMetadata, Tensor, TensorMetadata, Value } from './tensors.ts';

/** `input=1,2,3`, once for each input. */
export function setsToTensors(sets: readonly string[], model: ModelMetadata): Tensor[] {
  const given = new Map<string, Tensor>();
  for (const set of sets) {
    const equals = set.indexOf('=');
    if (equals < 1) throw new UsageError(`--set cannot be "${set}".`, 'Write it as INPUT=VALUE,VALUE,…');
    const input = inputNamed(set.slice(0, equals), model);
    if (given.has(input.name))
      throw new UsageError(`--set was given twice for "${input.name}".`, 'Give all its values in one.');
    const values = set.slice(equals + 1).split(',');
    const data = values.map((value, index) =>
      parseValue(value, input.datatype, `--set ${input.name}, value ${index + 1}`),
    );
    given.set(input.name, { ...input, shape: shapeFor(input, data.length), data });
  }
  return inOrder(given, model);
}

/**
 * A request of the Open Inference Protocol, whose types and shapes may be left out, or an object with nested lists by input.
 * What stands beside the inputs, such as `id` and `outputs`, is not looked at.
 */
export function jsonToTensors(text: string, model: ModelMetadata): Tensor[] {
  const body = parseJson(text, model);
  const given = new Map<string, Tensor>();
  const { inputs } = body;
  const isRequest = Array.isArray(inputs) && inputs.every((input) => typeof input === 'object' && input !== null);
  const entries = isRequest
    ? (inputs as readonly Partial<Tensor>[])
    : Object.entries(body).map(([name, data]) => ({ name, data: data as readonly Value[] }));
  for (const entry of entries) {
    const input = inputNamed(entry.name ?? '', model);
    given.set(input.name, tensorOf(input, entry));
  }
  return inOrder(given, model);
}

function parseJson(text: string, model: ModelMetadata): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new CliError(`The input is not JSON: ${(cause as Error).message}`, exampleHint(model), { cause });
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new CliError('The JSON is not an object.', exampleHint(model));
}

function exampleHint({ inputs: [input] }: ModelMetadata): string {
  if (input === undefined) return 'Write it as {"inputs": […]}.';
  return `Write it as {"${input.name}": […]}, or as a request of the Open Inference Protocol; the input is ${describeTensor(input)}.`;
}

function tensorOf(input: TensorMetadata, { datatype = input.datatype, shape, data }: Partial<Tensor>): Tensor {
  if (datatype !== input.datatype) {
    throw new CliError(
      `"${input.name}" has the datatype ${datatype}, and the model wants ${input.datatype}.`,
      'Correct it, or leave it out.',
    );
  }
  const nested = [data].flat(Infinity) as readonly unknown[];
  const flat = nested.map((value, index) => valueOf(value, input, index));
  return { ...input, shape: shape ?? shapeOfData(data, input, flat.length), data: flat };
}

function valueOf(value: unknown, input: TensorMetadata, index: number): Value {
  const isFit =
    input.datatype === 'BYTES'
      ? typeof value === 'string'
      : input.datatype === 'BOOL'
        ? typeof value === 'boolean'
        : typeof value === 'number';
  if (isFit) return value as Value;
  throw new CliError(
    `"${input.name}", value ${index + 1}: ${JSON.stringify(value) ?? 'nothing'} is no ${input.datatype}.`,
    `The input is ${describeTensor(input)}.`,
  );
}

/** The nesting tells the shape where it is that of the input; a flat list is taken as its rows. */
function shapeOfData(data: unknown, input: TensorMetadata, count: number): readonly number[] {
  const nesting: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) nesting.push(level.length);
  const isNested = nesting.length === input.shape.length && nesting.reduce((a, b) => a * b, 1) === count;
  return isNested ? nesting : shapeFor(input, count);
}

function inputNamed(name: string, model: ModelMetadata): TensorMetadata {
  const found = model.inputs.find((input) => input.name === name);
  if (found !== undefined) return found;
  const meant = didYouMean(
    name,
    model.inputs.map((input) => input.name),
  );
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new CliError(`The model has no input "${name}".${suggestion}`, `It has: ${describeInputs(model)}`);
}

function inOrder(given: ReadonlyMap<string, Tensor>, model: ModelMetadata): Tensor[] {
  return model.inputs.map((input) => {
    const tensor = given.get(input.name);
    if (tensor !== undefined) return tensor;
    throw new CliError(
      `There are no values for the input "${input.name}".`,
      `The model wants: ${describeInputs(model)}`,
    );
  });
}
