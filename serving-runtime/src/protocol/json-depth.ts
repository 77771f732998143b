/**
 * How deep the arrays and objects of a JSON text are nested, found before it is parsed: what is nested too deep breaks
 * everything that walks it by recursion.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function exceedsDepth(text: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const byte = text[index];
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}
