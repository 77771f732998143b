import { sep } from 'node:path';

/** A path as people know it: inside the Store's volume, without where that is mounted (`/stores/<name>/`). */
export function pathInStore(path: string): string {
  const [, mount, , ...rest] = path.split(sep);
  return mount === 'stores' ? rest.join('/') : path;
}
