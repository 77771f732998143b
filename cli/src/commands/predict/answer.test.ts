import { expect, it } from 'vitest';
import { renderTable } from '../../terminal/table.ts';
import { answerTable } from './answer.ts';
import { readRawTensor } from './raw-tensor.ts';

it('shows a row for each that was asked, with the digits that a type has', () => {
  const table = answerTable({
    model: 'm',
    version: '1',
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [2], data: [0, 1] },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 2], data: [0.8999999761581421, 0.1, 0.25, 0.75] },
    ],
  });

  expect(table === undefined ? '' : renderTable(table, { width: undefined })).toBe(
    'ROW   label   probabilities.0   probabilities.1\n1     0       0.9               0.1\n2     1       0.25              0.75\n',
  );
});

it('is no table where outputs have no rows in common', () => {
  const one = { name: 'a', datatype: 'FP32', shape: [1], data: [1] };

  expect(
    answerTable({ model: 'm', version: '1', outputs: [one, { ...one, shape: [2], data: [1, 2] }] }),
  ).toBeUndefined();
});

it('reads raw tensors of gRPC, texts by their length', () => {
  const floats = Buffer.from(new Float32Array([1.5, -2]).buffer);
  const texts = Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('UA'), Buffer.from([0, 0, 0, 0])]);

  expect(readRawTensor(floats, 'FP32')).toEqual([1.5, -2]);
  expect(readRawTensor(texts, 'BYTES')).toEqual(['UA', '']);
});
