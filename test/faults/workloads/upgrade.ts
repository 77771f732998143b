/** The definitions of our kinds change while objects live: that alone writes nothing, and work goes on in the middle of it. */
import { GROUP, KINDS } from '@slipway/crds';
import { buildCrd } from '../../../crds/src/generate/crd.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import { firstOf } from '../driver/workload.ts';
import type { Workload, World } from '../driver/workload.ts';
import { applyModelVersion, applyService, awaitsServing, serveFirstVersion } from './serve.ts';
import { train } from './train.ts';

const FIRST = 'serve and train';
/** A field that a later version of every kind has. */
const LATER = 'later';

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns?: readonly object[];
    }[];
  };
}

interface Schema {
  readonly properties: Readonly<Record<string, { readonly properties?: object }>>;
}

const PRESENT = KINDS.map((kind) => buildCrd(kind) as Definition);
const NEWER = PRESENT.map(newer);

/** With one more optional field and one more column. */
function newer(definition: Definition): Definition {
  const column = { name: 'Later', type: 'string', jsonPath: `.spec.${LATER}` };
  const versions = definition.spec.versions.map(({ schema, additionalPrinterColumns = [], ...version }) => ({
    ...version,
    additionalPrinterColumns: [...additionalPrinterColumns, column],
    schema: { openAPIV3Schema: withField(schema.openAPIV3Schema) },
  }));
  return { ...definition, spec: { ...definition.spec, versions } };
}

function withField(schema: Schema): Schema {
  const spec = { ...schema.properties['spec'] };
  const properties = { ...spec.properties, [LATER]: { type: 'string', maxLength: 10 } };
  return { ...schema, properties: { ...schema.properties, spec: { ...spec, properties } } };
}

async function define(world: World, definitions: readonly Definition[]): Promise<void> {
  for (const definition of definitions) await world.define(definition.metadata.name, definition);
}

/** Revisions are kept: each change of the pods is one more. */
function isThere(world: World, version: string, revisions = 1): string | undefined {
  const kept = world.objects().filter(({ kind }) => kind === 'ControllerRevision');
  return firstOf(
    awaitsServing(world, version),
    train.pending(world),
    kept.length === revisions ? undefined : `there are ${kept.length} revisions; wanted ${revisions}`,
  );
}

export const workload: Workload = {
  name: 'upgrade',
  alone: true,
  sampled: 1,
  cleanUp: (world) => define(world, PRESENT),
  steps: [
    {
      name: FIRST,
      setsScene: true,
      async act(world) {
        await serveFirstVersion.act(world);
        await train.act(world);
      },
      pending: (world) => isThere(world, 'delay-1'),
    },
    {
      name: 'install newer definitions',
      restores: FIRST,
      writesNothing: true,
      act: (world) => define(world, NEWER),
      pending: (world) => isThere(world, 'delay-1'),
    },
    {
      name: 'use what they have',
      act: (world) =>
        world.apply('InferenceService', 'flights', { spec: { modelVersion: { name: 'delay-1' }, [LATER]: 'yes' } }),
      pending: (world) => {
        const is = world.get('InferenceService', 'flights')?.spec?.[LATER];
        return firstOf(is === 'yes' ? undefined : `${GROUP} dropped the field ${LATER}`, isThere(world, 'delay-1'));
      },
    },
    {
      name: 'go back in the middle of a change',
      async act(world) {
        await applyModelVersion(world, 'delay-2', DIGESTS.two);
        await applyService(world, 'delay-2');
        await define(world, PRESENT);
      },
      pending: (world) => isThere(world, 'delay-2', 2),
    },
  ],
};
