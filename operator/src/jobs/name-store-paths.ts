const NAME = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?';
const STOP = '\\s\'"`,;:()\\[\\]';
/** A path below the mount of a Store, up to what ends it in a sentence; a full stop at the end is the sentence's. */
const MOUNTED = new RegExp(`/stores/(${NAME})(?:/([^${STOP}]*[^${STOP}.])?)?`, 'g');

/** Words of a pod with paths as people know them: `team/1.csv in Store default`, not `/stores/default/team/1.csv`. */
export function nameStorePaths(words: string): string {
  return words.replace(MOUNTED, (_, store: string, path: string | undefined) =>
    path === undefined ? `Store ${store}` : `${path} in Store ${store}`,
  );
}
