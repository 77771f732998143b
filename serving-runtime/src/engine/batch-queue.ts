/** Requests that wait for an instance, with a bound on how many rows wait and on how many bytes they hold. */
export interface Waiting {
  /** Only requests with the same key run together. */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface BatchQueue<T extends Waiting> {
  /** False when there is no room. */
  add(item: T): boolean;
  /** Takes back one that nobody waits for any more; false when it is not here. */
  remove(item: T): boolean;
  /** The oldest, and of those behind it as many with its key as make `maxRows` at most. Empty when none waits. */
  next(maxRows: number): T[];
  readonly length: number;
  /** Of all that wait. */
  readonly rows: number;
}

export function createBatchQueue<T extends Waiting>(maxRows: number, maxBytes: number): BatchQueue<T> {
  // A set keeps the order of arrival, and gives one up from its middle at once.
  const items = new Set<T>();
  let rows = 0;
  let bytes = 0;
  const remove = (item: T): boolean => {
    if (!items.delete(item)) return false;
    rows -= item.rows;
    bytes -= item.bytes;
    return true;
  };
  return {
    add: (item) => {
      // One that is larger than the bound itself may wait alone: bytes are bounded before it gets here.
      if (items.size > 0 && (rows + item.rows > maxRows || bytes + item.bytes > maxBytes)) return false;
      items.add(item);
      rows += item.rows;
      bytes += item.bytes;
      return true;
    },
    remove,
    next: (limit) => {
      const batch: T[] = [];
      let taken = 0;
      for (const item of items) {
        const [first] = batch;
        if (first !== undefined && (item.key !== first.key || taken + item.rows > limit)) continue;
        batch.push(item);
        taken += item.rows;
        if (taken >= limit) break;
      }
      batch.forEach(remove);
      return batch;
    },
    get length() {
      return items.size;
    },
    get rows() {
      return rows;
    },
  };
}
