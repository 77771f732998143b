/**
 * Where an ONNX model keeps its weights outside of its file. Runtimes look at these places with different care, some not at all in
 * constants and sparse tensors, so whoever is to open a model looks at every one first. Loads nothing but Node itself.
 */
import { lstat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { openWire } from './protobuf-file.ts';
import type { Field, Wire } from './protobuf-file.ts';

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
/** Fields of a tensor. */
const NAME = 8;
const EXTERNAL_DATA = 13;
const MAX_DEPTH = 64;

interface Place {
  /** Name of the tensor; constants have none. */
  readonly tensor: string;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** The message names tensors and what the model says of them, and no path of this machine. */
export class ExternalDataError extends Error {
  override name = 'ExternalDataError';
  /** `unreadable`: the model itself is broken, or none. */
  readonly kind: 'refused' | 'missing' | 'unreadable';

  constructor(kind: ExternalDataError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

function refused(why: string): ExternalDataError {
  return new ExternalDataError('refused', why);
}

/** Key and value of a StringStringEntryProto. */
function entry(wire: Wire, field: Field): [string, string] {
  const texts = new Map<number, string>();
  for (const inner of wire.fields(field)) texts.set(inner.number, wire.text(inner));
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}

function placeOf(wire: Wire, message: Field): Place | undefined {
  const values = new Map<string, string>();
  let tensor = '';
  for (const field of wire.fields(message)) {
    if (field.number === NAME) tensor = wire.text(field);
    if (field.number !== EXTERNAL_DATA) continue;
    const [key, value] = entry(wire, field);
    // Of two, runtimes may take another than we do.
    if (values.has(key))
      throw refused(`the external data of its tensor ${shown(tensor)} has two values for ${shown(key)}`);
    values.set(key, value);
  }
  if (values.size === 0) return undefined;
  const number = (name: string): number => {
    const text = values.get(name) ?? '0';
    if (!/^[0-9]{1,15}$/.test(text)) {
      throw refused(`the ${name} of the external data of its tensor ${shown(tensor)} is no number`);
    }
    return Number(text);
  };
  return { tensor, location: values.get('location') ?? '', offset: number('offset'), length: number('length') };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** All places that the tensors below a message name. */
function* placesIn(wire: Wire, message: Field, kind: Kind, depth = 0): Generator<Place> {
  if (depth > MAX_DEPTH) throw refused(`its graphs are nested more than ${MAX_DEPTH} deep`);
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

async function checkPlace(folder: string, { tensor, location, offset, length }: Place): Promise<void> {
  const data = `its external data ${shown(location)}${tensor === '' ? '' : ` (tensor ${shown(tensor)})`}`;
  const parts = location.split('/');
  const leaves = isAbsolute(location) || parts.includes('..') || /[\\\0]/.test(location);
  if (location === '' || leaves) throw refused(`${data} lies outside of its folder`);
  let path = folder;
  for (const part of parts) {
    path = join(path, part);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) throw new ExternalDataError('missing', `${data} is missing`);
    if (found.isSymbolicLink()) throw refused(`${data} is a link`);
    if (path === join(folder, location) && (!found.isFile() || offset + length > found.size)) {
      throw refused(`${data} is shorter than the model says, or no file`);
    }
  }
}

/**
 * Refuses a model whose external data is missing, too short, or not in the folder of the model.
 * @param path of the .onnx file
 * @throws {ExternalDataError}
 */
export async function checkExternalData(path: string): Promise<void> {
  const wire = openWire(path);
  let places: Place[] = [];
  try {
    places = [...placesIn(wire, wire.whole, 'model')];
  } catch (cause) {
    if (cause instanceof ExternalDataError) throw cause;
    throw new ExternalDataError('unreadable', 'the file is broken, or no ONNX model', { cause });
  } finally {
    wire.close();
  }
  for (const place of places) await checkPlace(dirname(path), place);
}
