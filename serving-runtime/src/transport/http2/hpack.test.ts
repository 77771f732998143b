/** RFC 7541; the bytes are those of its appendix C. */
import { array, assert, constantFrom, nat, oneof, property, record, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import type { HeaderField } from './header-field.ts';
import { decodeHuffman, encodeHuffman } from './hpack-huffman.ts';
import { OutputBuffer } from './output-buffer.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

const MAX_LIST = 16_384;
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const decodeWith = (decoder: HpackDecoder, hex: string) => {
  const block = bytes(hex);
  return decoder.decode(block, 0, block.length).fields.map(({ name, value }) => [name, value]);
};
const encodeWith = (encoder: HpackEncoder, fields: readonly HeaderField[]) => {
  const output = new OutputBuffer();
  encoder.encode(fields, output);
  return output.take();
};

const REQUESTS = [
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
    ['cache-control', 'no-cache'],
  ],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];
const DATES = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const answer = (status: string, date = DATES[0]) => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', date],
  ['location', 'https://www.example.com'],
];
const COOKIE = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const ANSWERS = [
  answer('302'),
  answer('307'),
  [...answer('200', DATES[1]), ['content-encoding', 'gzip'], ['set-cookie', COOKIE]],
];

it('has the 61 fields of the static table', () => {
  expect(STATIC_TABLE).toHaveLength(61);
  expect(STATIC_TABLE[13]).toMatchObject({ name: ':status', value: '500' });
  expect(STATIC_TABLE[60]).toMatchObject({ name: 'www-authenticate', value: '' });
});

describe('appendix C', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['C.2.4', '82', [':method', 'GET']],
  ])('%s', (_, hex, field) => {
    expect(decodeWith(new HpackDecoder(4096, MAX_LIST), hex)).toEqual([field]);
  });

  it.each([
    [
      'C.3: requests without Huffman',
      4096,
      REQUESTS,
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4: requests with Huffman',
      4096,
      REQUESTS,
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
    [
      'C.5: answers without Huffman, with evictions',
      256,
      ANSWERS,
      [
        '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
    ],
    [
      'C.6: answers with Huffman, with evictions',
      256,
      ANSWERS,
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
    ],
  ])('%s', (_, tableSize, expected, blocks) => {
    const decoder = new HpackDecoder(tableSize, MAX_LIST);

    expect(blocks.map((block) => decodeWith(decoder, block))).toEqual(expected);
  });

  it('C.1: reads integers of several bytes', () => {
    // 1337 with a prefix of 5 bits: a table that is larger than was announced.
    expect(() => decodeWith(new HpackDecoder(1336, MAX_LIST), '3f 9a 0a')).toThrow('larger than it may be');
    expect(decodeWith(new HpackDecoder(1337, MAX_LIST), '3f 9a 0a 82')).toEqual([[':method', 'GET']]);
  });
});

describe('a block that is no HPACK ends the connection', () => {
  it.each([
    ['an index of nothing', 'be'],
    ['index 0', '80'],
    ['a name by an index of nothing', '7e 01 61'],
    ['a string that goes on after the block', '40 05 61 62'],
    ['a block that ends before the value', '40 01 61'],
    ['an integer without an end', 'ff ff ff ff ff ff ff 01'],
    ['a length that is too large', '40 7f ff ff ff ff 0f'],
    ['a table size update after a field', '82 20'],
    ['a table larger than announced', '3f e2 1f'],
    ['Huffman filled with zeros', '40 81 18 01 61'],
    ['Huffman filled with more than 7 bits', '40 82 1f ff 01 61'],
    ['the end of a string in Huffman', '40 84 ff ff ff ff 01 61'],
  ])('%s', (_, hex) => {
    expect(() => decodeWith(new HpackDecoder(4096, MAX_LIST), hex)).toThrow(expect.objectContaining({ code: 9 }));
  });
});

it('reads a list that is too large to its end, so that the next block is right', () => {
  const decoder = new HpackDecoder(4096, 100);
  const block = bytes('40 01 61 01 62 be be be be 40 01 63 01 64');

  expect(decoder.decode(block, 0, block.length)).toMatchObject({ isTooLarge: true, fields: [{}, {}] });
  expect(decodeWith(decoder, 'be bf')).toEqual([
    ['c', 'd'],
    ['a', 'b'],
  ]);
});

describe('Huffman', () => {
  it('has codes for every byte, and reads what it wrote', () => {
    assert(
      property(uint8Array({ maxLength: 300 }), (random) => {
        const text = Buffer.from(random).toString('latin1');
        const coded = encodeHuffman(text);
        expect(decodeHuffman(coded, 0, coded.length)).toBe(text);
      }),
    );
  });

  it('is that of the RFC', () => {
    expect(encodeHuffman('www.example.com').toString('hex')).toBe('f1e3c2e5f23a6ba0ab90f4ff');
  });
});

describe('the encoder', () => {
  const name = constantFrom(':status', 'content-type', 'x-request-id', 'grpc-status', 'grpc-message', 'x-a', 'x-b');
  const value = string({ unit: constantFrom('a', 'b', '0', 'é', ' '), maxLength: 60 });
  const section = array(record({ name, value }), { maxLength: 12 });
  const step = oneof({ weight: 4, arbitrary: section }, nat({ max: 6000 }));

  it('writes what a decoder reads, with tables of any sizes that change at any time', () => {
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(8192, 1 << 20);
        for (const next of steps) {
          if (typeof next === 'number') {
            encoder.limitTable(next);
          } else {
            const block = encodeWith(encoder, next);
            const { fields } = decoder.decode(block, 0, block.length);
            expect(fields.map(({ name: read, value: text }) => ({ name: read, value: text }))).toEqual(next);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('needs a byte for what it wrote before, and keeps no ids', () => {
    const encoder = new HpackEncoder();
    const fields = (id: string) => [
      { name: ':status', value: '200' },
      { name: 'content-type', value: 'application/grpc' },
      { name: 'x-request-id', value: id },
    ];
    encodeWith(encoder, fields('first'));

    expect(encodeWith(encoder, fields('second')).toString('hex')).toBe(
      `88bf0f2f06${Buffer.from('second').toString('hex')}`,
    );
  });
});
