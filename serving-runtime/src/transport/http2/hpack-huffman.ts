/** The Huffman code of RFC 7541, appendix B. It is canonical, so the lengths say all: codes of one length count up with the symbols. */

const END_OF_STRING = 256;
// prettier-ignore
const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const CODES = canonicalCodes(CODE_LENGTHS);

function canonicalCodes(lengths: readonly number[]): number[] {
  const symbols = lengths.map((_, symbol) => symbol);
  symbols.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  const codes: number[] = [];
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    const next = lengths[symbol] ?? 0;
    code <<= next - length;
    length = next;
    codes[symbol] = code;
    code += 1;
  }
  return codes;
}

/**
 * The decoder as a machine that takes four bits at a time; no code is shorter than five, so a step yields one symbol at most.
 * At `state * 16 + bits`: the next state in the low 16 bits, above them the symbol + 1, or 0 for none. A state is a node of the
 * code's tree; FAILED is where the symbol for the end of a string leads, which no string may hold.
 */
const FAILED = 0xffff;
const { steps: STEPS, mayEnd: MAY_END } = buildDecoder();

interface TreeNode {
  readonly state: number;
  /** Of bits 0 and 1: a node, or a symbol. */
  readonly children: (TreeNode | number)[];
}

function buildTree(): TreeNode[] {
  const nodes: TreeNode[] = [{ state: 0, children: [] }];
  CODES.forEach((code, symbol) => {
    let node = nodes[0] as TreeNode;
    for (let bit = (CODE_LENGTHS[symbol] ?? 0) - 1; bit > 0; bit -= 1) {
      const side = (code >>> bit) & 1;
      if (node.children[side] === undefined) {
        node.children[side] = { state: nodes.length, children: [] };
        nodes.push(node.children[side]);
      }
      node = node.children[side] as TreeNode;
    }
    node.children[code & 1] = symbol;
  });
  return nodes;
}

function buildDecoder(): { readonly steps: Int32Array; readonly mayEnd: Uint8Array } {
  const nodes = buildTree();
  const root = nodes[0] as TreeNode;
  const steps = new Int32Array(nodes.length * 16);
  for (const node of nodes) {
    for (let bits = 0; bits < 16; bits += 1) steps[node.state * 16 + bits] = stepOf(root, node, bits);
  }
  // The last byte is filled with the first bits of the code for the end of a string, which are ones: seven of them at most.
  const mayEnd = new Uint8Array(nodes.length);
  let node = root;
  for (let ones = 0; ones < 8; ones += 1) {
    mayEnd[node.state] = 1;
    node = node.children[1] as TreeNode;
  }
  return { steps, mayEnd };
}

function stepOf(root: TreeNode, from: TreeNode, bits: number): number {
  let node = from;
  let symbol = -1;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = node.children[(bits >>> bit) & 1];
    if (child === END_OF_STRING) return FAILED;
    if (typeof child === 'number') {
      symbol = child;
      node = root;
    } else {
      node = child as TreeNode;
    }
  }
  return ((symbol + 1) << 16) | node.state;
}

/** What the shortest code allows: a string has at most this many characters for each byte of its code. */
const SHORTEST_CODE_BITS = 5;

/** The text (latin1) of the bytes from `start` to `end`; undefined when they are no text in this code. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = Buffer.allocUnsafe(Math.ceil(((end - start) * 8) / SHORTEST_CODE_BITS));
  let length = 0;
  let state = 0;
  for (let half = start * 2; half < end * 2; half += 1) {
    const byte = bytes[half >> 1] ?? 0;
    const step = STEPS[state * 16 + ((half & 1) === 0 ? byte >> 4 : byte & 15)] ?? FAILED;
    state = step & 0xffff;
    if (state === FAILED) return undefined;
    if (step > 0xffff) {
      text[length] = (step >> 16) - 1;
      length += 1;
    }
  }
  return MAY_END[state] === 1 ? text.toString('latin1', 0, length) : undefined;
}

export function encodeHuffman(text: string): Buffer {
  const bits = Array.from(text, (character) => {
    const symbol = character.charCodeAt(0);
    return (CODES[symbol] ?? 0).toString(2).padStart(CODE_LENGTHS[symbol] ?? 0, '0');
  }).join('');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}
