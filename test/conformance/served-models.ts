/** What the clients ask: `add`, and for each datatype, by its name, a model that answers what it gets. */
import { addModel, ELEMENT_TYPES, identityModel } from '@slipway/serving-runtime/testing/onnx-model';
import type { ElementType } from '@slipway/serving-runtime/testing/onnx-model';

const echoes = (Object.keys(ELEMENT_TYPES) as ElementType[]).map((type) => {
  const datatype = type === 'STRING' ? 'BYTES' : type;
  return [`${datatype.toLowerCase()}/1/model.onnx`, identityModel(type, ['n', 'm'])] as const;
});

export const SERVED_MODELS: Readonly<Record<string, Uint8Array>> = {
  'add/1/model.onnx': addModel(),
  'half/1/model.onnx': identityModel('FP16'),
  'text/1/model.onnx': identityModel('STRING'),
  ...Object.fromEntries(echoes),
};
