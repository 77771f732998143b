/** A queue with a bound on how many wait and on how many bytes they hold. */
export interface RequestQueue<T> {
  /** False when there is no room. */
  add(item: T, bytes: number): boolean;
  next(): T | undefined;
  readonly length: number;
}

export function createRequestQueue<T>(maxItems: number, maxBytes: number): RequestQueue<T> {
  const items: { readonly item: T; readonly bytes: number }[] = [];
  let held = 0;
  return {
    add: (item, bytes) => {
      if (items.length >= maxItems || held + bytes > maxBytes) return false;
      items.push({ item, bytes });
      held += bytes;
      return true;
    },
    next: () => {
      const first = items.shift();
      held -= first?.bytes ?? 0;
      return first?.item;
    },
    get length() {
      return items.length;
    },
  };
}
