/** A row of docs/reasons.md. */
export interface ReasonEntry {
  /** The heading above its table, such as `TrainingJob and Model`. */
  readonly section: string;
  readonly reason: string;
  readonly meaning: string;
  readonly advice: string;
}

/** The rows of all tables of the page, in its order. */
export function reasonsOf(markdown: string): ReasonEntry[] {
  const entries: ReasonEntry[] = [];
  let section = '';
  for (const line of markdown.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3).trim();
    const [, reason, meaning = '', advice = ''] = /^\| `(\w+)` \| (.*?) \| (.*?) \|$/.exec(line) ?? [];
    if (reason !== undefined) entries.push({ section, reason, meaning, advice });
  }
  return entries;
}
