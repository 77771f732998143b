import { isSameQuantity } from './quantity.ts';

/**
 * Where the live object is not what we rendered: a sorted list of paths with the live value, empty when our fields are
 * as we want them.
 *
 * Fields that we did not send do not count: the server's defaults, and what other managers own. What the server stores
 * in other words counts as equal: quantities, absent for null, for empty and, where the API does so, for false and 0. Lists are compared by the keys that the
 * API declares for them (`x-kubernetes-list-map-keys`); an unknown list must be equal in length and order.
 */
export function driftOf(rendered: object, live: object): readonly string[] {
  const found: string[] = [];
  compare(rendered, live, {
    path: [],
    report: (path, value) => found.push(`${path.join('.')}=${JSON.stringify(value) ?? 'absent'}`),
  });
  return found.sort();
}

interface Walk {
  readonly path: readonly string[];
  readonly report: (path: readonly string[], live: unknown) => void;
}

function compare(want: unknown, have: unknown, walk: Walk): void {
  if ((isEmpty(want) && isEmpty(have)) || isOmittedZero(want, have, walk.path)) return;
  if (Array.isArray(want) && Array.isArray(have)) return compareLists(want, have, walk);
  if (isRecord(want) && isRecord(have)) return compareRecords(want, have, walk);
  if (want === have || isSameScalar(want, have, walk.path)) return;
  walk.report(walk.path, have);
}

function compareRecords(want: Record<string, unknown>, have: Record<string, unknown>, walk: Walk): void {
  for (const [name, value] of Object.entries(want)) {
    if (value !== undefined) compare(value, have[name], { ...walk, path: [...walk.path, name] });
  }
}

function compareLists(want: readonly unknown[], have: readonly unknown[], walk: Walk): void {
  const field = walk.path.at(-1) ?? '';
  if (field === 'finalizers') {
    if (!want.every((item) => have.includes(item))) walk.report(walk.path, have);
    return;
  }
  const keys = LIST_MAP_KEYS[field]?.find((names) => isListMap(want, names));
  if (keys === undefined) return compareInOrder(want, have, walk);
  for (const item of want as readonly Record<string, unknown>[]) {
    const id = idOf(item, keys);
    const other = have.find((candidate) => isRecord(candidate) && idOf(candidate, keys) === id);
    compare(item, other, { ...walk, path: [...walk.path, id] });
  }
}

/** Every item has the key, and no two have the same: an EndpointSlice, whose ports are no map, may give one port two names. */
function isListMap(want: readonly unknown[], names: readonly string[]): boolean {
  const hasKey = (item: unknown) => isRecord(item) && names[0] !== undefined && item[names[0]] !== undefined;
  if (!want.every(hasKey)) return false;
  return new Set(want.map((item) => idOf(item as Record<string, unknown>, names))).size === want.length;
}

function compareInOrder(want: readonly unknown[], have: readonly unknown[], walk: Walk): void {
  if (want.length !== have.length) return walk.report(walk.path, have);
  want.forEach((item, index) => compare(item, have[index], { ...walk, path: [...walk.path, String(index)] }));
}

/** The list maps of the built-in kinds, by field name; where one name has several shapes, the first that fits the items. */
const LIST_MAP_KEYS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  containers: [['name']],
  initContainers: [['name']],
  ephemeralContainers: [['name']],
  volumes: [['name']],
  env: [['name']],
  imagePullSecrets: [['name']],
  resourceClaims: [['name']],
  volumeMounts: [['mountPath']],
  volumeDevices: [['devicePath']],
  hostAliases: [['ip']],
  ports: [
    ['containerPort', 'protocol'],
    ['port', 'protocol'],
  ],
  topologySpreadConstraints: [['topologyKey', 'whenUnsatisfiable']],
  ownerReferences: [['uid']],
  conditions: [['type']],
};

function idOf(item: Record<string, unknown>, keys: readonly string[]): string {
  return keys
    .map((key) => JSON.stringify(item[key] ?? (key === 'protocol' ? 'TCP' : null)))
    .join('/')
    .replaceAll('"', '');
}

/**
 * The fields of the built-in kinds that the server does not store when they are false or 0. Of any other field, absent
 * can mean the opposite: without `automountServiceAccountToken: false` the token is mounted.
 */
const OMITTED_WHEN_ZERO = new Set([
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'minReadySeconds',
  'paused',
  'publishNotReadyAddresses',
  'readOnly',
  'stdin',
  'stdinOnce',
  'tty',
]);

function isOmittedZero(want: unknown, have: unknown, path: readonly string[]): boolean {
  return have === undefined && (want === false || want === 0) && OMITTED_WHEN_ZERO.has(path.at(-1) ?? '');
}

const QUANTITY_MAPS = new Set(['requests', 'limits', 'capacity', 'hard', 'overhead']);
const QUANTITY_FIELDS = new Set(['sizeLimit', 'divisor']);

function isSameScalar(want: unknown, have: unknown, path: readonly string[]): boolean {
  if (!isScalar(want) || !isScalar(have)) return false;
  const isQuantity = QUANTITY_MAPS.has(path.at(-2) ?? '') || QUANTITY_FIELDS.has(path.at(-1) ?? '');
  return isQuantity && isSameQuantity(want, have);
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}
