/**
 * Where a model keeps its weights outside of its file. Runtimes look at these places with different care, some not at all in
 * constants and sparse tensors, so we look at every one before a runtime sees the model.
 */
import { lstat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { BatchError } from '../failure.ts';
import { openWire } from './protobuf.ts';
import type { Field, Wire } from './protobuf.ts';

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse' | 'function' | 'training';

/** Fields of onnx/onnx.proto (ONNX 1.21) that lead to tensors. */
const CHILDREN: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  tensor: {},
};
const EXTERNAL_DATA = 13;
const MAX_DEPTH = 64;

interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

function invalid(why: string): BatchError {
  return new BatchError('ModelInvalid', `The model cannot be used: ${why}`);
}

/** Key and value of a StringStringEntryProto. */
function entry(wire: Wire, field: Field): [string, string] {
  const texts = new Map<number, string>();
  for (const inner of wire.fields(field)) texts.set(inner.number, wire.text(inner));
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}

function placeOf(wire: Wire, tensor: Field): Place | undefined {
  const values = new Map<string, string>();
  for (const field of wire.fields(tensor)) {
    if (field.number === EXTERNAL_DATA) values.set(...entry(wire, field));
  }
  if (values.size === 0) return undefined;
  const number = (name: string): number => {
    const text = values.get(name) ?? '0';
    if (!/^[0-9]{1,15}$/.test(text)) throw invalid(`the ${name} of its external data is no number`);
    return Number(text);
  };
  return { location: values.get('location') ?? '', offset: number('offset'), length: number('length') };
}

/** All places that the tensors below a message name. */
function* placesIn(wire: Wire, message: Field, kind: Kind, depth = 0): Generator<Place> {
  if (depth > MAX_DEPTH) throw invalid(`its graphs are nested more than ${MAX_DEPTH} deep`);
  if (kind === 'tensor') {
    const place = placeOf(wire, message);
    if (place !== undefined) yield place;
    return;
  }
  for (const field of wire.fields(message)) {
    const child = CHILDREN[kind][field.number];
    if (child !== undefined) yield* placesIn(wire, field, child, depth + 1);
  }
}

async function checkPlace(folder: string, modelFile: string, { location, offset, length }: Place): Promise<void> {
  const shown = JSON.stringify(location.slice(0, 200));
  const parts = location.split('/');
  const leaves = isAbsolute(location) || parts.includes('..') || /[\\\0]/.test(location);
  if (location === '' || leaves) throw invalid(`its external data ${shown} lies outside of its folder`);
  let path = folder;
  for (const part of parts) {
    path = join(path, part);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) {
      const hint = modelFile === 'model.onnx' ? '; write the model and its data to a folder model/' : '';
      throw invalid(`its external data ${shown} is missing${hint}`);
    }
    if (found.isSymbolicLink()) throw invalid(`its external data ${shown} is a link`);
    if (path === join(folder, location) && (!found.isFile() || offset + length > found.size)) {
      throw invalid(`its external data ${shown} is shorter than the model says, or no file`);
    }
  }
}

/**
 * Refuses a model whose external data is missing, too short, or not in the folder of the model.
 * @param path of the .onnx file
 * @throws {BatchError} ModelInvalid
 */
export async function checkExternalData(path: string): Promise<void> {
  const wire = openWire(path);
  let places: Place[] = [];
  try {
    places = [...placesIn(wire, wire.whole, 'model')];
  } catch (cause) {
    if (cause instanceof BatchError) throw cause;
    throw new BatchError('ModelInvalid', 'the file is broken, or no ONNX model', { cause });
  } finally {
    wire.close();
  }
  for (const place of places) await checkPlace(dirname(path), basename(path), place);
}
