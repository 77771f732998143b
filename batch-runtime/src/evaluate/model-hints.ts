/** What the metadata of a model says of its input: the trainer knows, and nobody else. */
export interface ModelHints {
  /** The columns of a matrix in their order. */
  readonly features: readonly string[] | undefined;
  /** What is sent where a value is missing; NaN by default. */
  readonly missing: number;
}

/**
 * Reads the properties `features` (a JSON list of names) and `missing` (a number). Others may use these names for something else,
 * so what is not of this form is as good as absent.
 */
export function modelHints(metadata: ReadonlyMap<string, string>): ModelHints {
  const missing = Number(metadata.get('missing')?.trim() || Number.NaN);
  return { features: listOfNames(metadata.get('features')), missing };
}

function listOfNames(text: string | undefined): string[] | undefined {
  try {
    const names: unknown = JSON.parse(text ?? '');
    const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
    return isList ? names : undefined;
  } catch {
    return undefined;
  }
}
