/** kstatus (sigs.k8s.io/cli-utils), by which Helm, Flux and others wait, reads our objects as we mean them. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GROUP, KINDS, VERSION } from '@slipway/crds';
import type { KubeObject } from '@slipway/kube';
import { load } from 'js-yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../hack/kube/binaries.ts';
import type { Expected, States } from './kstatus/states.ts';
import { STATES } from './kstatus/statuses.ts';

const GENERATED = join(import.meta.dirname, '..', '..', 'crds', 'generated');

let program: string;

/** Always asked for: with nothing changed Go's own cache answers in a second. */
beforeAll(async () => {
  const folder = join(cacheFolder(), 'conformance');
  mkdirSync(folder, { recursive: true });
  program = join(folder, 'kstatus');
  await promisify(execFile)('go', ['build', '-trimpath', '-o', program, '.'], {
    cwd: join(import.meta.dirname, 'kstatus'),
    env: { ...process.env, CGO_ENABLED: '0' },
  });
}, 900_000);

/** What kstatus says of each. */
async function compute(objects: readonly KubeObject[]): Promise<string[]> {
  const running = promisify(execFile)(program);
  running.child.stdin?.end(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  const { stdout } = await running;
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { status: string }).status);
}

const withStatus = KINDS.filter(({ status }) => status !== undefined);

/** As the API server shows one that the operator has not looked at yet. */
function freshObject({ kind, plural }: (typeof KINDS)[number]): KubeObject {
  const crd = load(readFileSync(join(GENERATED, `${plural}.yaml`), 'utf8')) as Crd;
  const status = crd.spec.versions[0]?.schema.openAPIV3Schema.properties['status']?.default;
  const metadata = { name: 'fresh', namespace: 'team', generation: 1 };
  return { apiVersion: `${GROUP}/${VERSION}`, kind, metadata, ...(status && { status }) };
}

interface Crd {
  readonly spec: {
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: { readonly properties: Record<string, { default?: object }> } };
    }[];
  };
}

const changed = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, generation: 2 } });
const beingDeleted = (object: KubeObject) => {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-11-23T09:00:00Z' } };
};

/** Whatever it was before. */
function statesOfEveryKind(definition: (typeof KINDS)[number]): States {
  const [first] = Object.values(STATES[definition.kind] ?? {}).filter(([expected]) => expected === 'Current');
  if (first === undefined) return {};
  return {
    'nobody has looked at it': ['InProgress', freshObject(definition)],
    'the spec was changed since': ['InProgress', changed(first[1])],
    'it is being deleted': ['Terminating', beingDeleted(first[1])],
  };
}

describe.each(withStatus.map((definition) => [definition.kind, definition] as const))('%s', (kind, definition) => {
  const states = Object.entries({ ...STATES[kind], ...statesOfEveryKind(definition) });

  it('is in each state what kstatus takes it for', async () => {
    const said = await compute(states.map(([, [, object]]) => object));

    const found = states.map(([name], index) => [name, said[index]]);
    const expected: [string, Expected][] = states.map(([name, [status]]) => [name, status]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(Object.values(Object.fromEntries(expected))).toEqual(
      expect.arrayContaining(['InProgress', 'Current', 'Terminating']),
    );
  });
});
