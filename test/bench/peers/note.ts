/** The bench's own kind. The peers have the same one in their own words. */
import { defineKind, type KubeObject } from '@slipway/kube';

export interface Note extends KubeObject {
  spec: { text: string };
  status?: { ready?: boolean; observedGeneration?: number };
}

export const Note = defineKind<Note>({
  group: 'bench.slipway.dev',
  version: 'v1',
  kind: 'Note',
  plural: 'notes',
  namespaced: true,
});

const object = (properties: object) => ({ type: 'object', properties });

export const noteDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${Note.plural}.${Note.group}` },
  spec: {
    group: Note.group,
    scope: 'Namespaced',
    names: { kind: Note.kind, plural: Note.plural, singular: 'note' },
    versions: [
      {
        name: Note.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: object({
            spec: object({ text: { type: 'string' } }),
            status: object({ ready: { type: 'boolean' }, observedGeneration: { type: 'integer' } }),
          }),
        },
      },
    ],
  },
};

const rate = { perSecond: Infinity, burst: 0 };
/** No limit of the client's own, as with the others. */
export const UNLIMITED = { reads: rate, writes: rate };

export function isSettled({ metadata, status }: Note): boolean {
  return status?.ready === true && status.observedGeneration === metadata.generation;
}
