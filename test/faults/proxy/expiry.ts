/** The versions that the API server has forgotten, as after a compaction of etcd: watches from them are refused. */
export interface Expiry {
  /** From now on, until `listed`, watches of what this URL selects are refused. */
  forget(url: string): void;
  /** Who lists again gets a version that the API server knows. */
  listed(url: string): void;
  isForgotten(url: string): boolean;
}

export function createExpiry(): Expiry {
  const forgotten = new Set<string>();
  return {
    forget: (url) => void forgotten.add(selectionOf(url)),
    listed: (url) => void forgotten.delete(selectionOf(url)),
    isForgotten: (url) => forgotten.has(selectionOf(url)),
  };
}

/** The same for the list and the watch of one cache. */
function selectionOf(url: string): string {
  const { pathname, searchParams } = new URL(url, 'https://api');
  return JSON.stringify([pathname, searchParams.get('labelSelector'), searchParams.get('fieldSelector')]);
}
