/** proto3 has no absent strings. */
export function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}
