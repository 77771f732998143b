import { expect, it } from 'vitest';
import { parseRestRequest } from './rest-request.ts';

it('takes as long for an input as for any other, however many there are', { timeout: 60_000 }, () => {
  const inputs = Array.from(
    { length: 300_000 },
    (_, index) => `{"name":"${index}","datatype":"INT8","shape":[0],"data":[]}`,
  );
  const body = (last: string) => Buffer.from(`{"inputs":[${[...inputs, last].join(',')}]}`);

  // Each compared with each, this would take minutes.
  expect(parseRestRequest(body(inputs[0]?.replace('"0"', '"new"') ?? ''), undefined).inputs).toHaveLength(300_001);
  expect(() => parseRestRequest(body(inputs[0] ?? ''), undefined)).toThrow('input "0" is there twice');
});
