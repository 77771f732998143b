import type { KindDefinition } from '../v1alpha1/common.ts';
import { GROUP, VERSION } from '../v1alpha1/custom-object.ts';
import { structuralSchema } from './structural-schema.ts';

/**
 * What stands in the status until the operator has written one. Without it, whoever waits for objects by their conditions (kstatus:
 * Helm, Flux) would take one that nobody has looked at for one that is done.
 */
const NOT_OBSERVED = { observedGeneration: -1 };

/** The CustomResourceDefinition of a kind, complete and ready to apply. */
export function buildCrd(definition: KindDefinition): object {
  const { kind, plural, singular, shortName } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, labels: { 'app.kubernetes.io/part-of': 'slipway' } },
    spec: {
      group: GROUP,
      scope: definition.scope ?? 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], ...categories(definition) },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: objectSchema(definition) },
          subresources: {
            ...(definition.status === undefined ? {} : { status: {} }),
            ...(definition.scale === undefined ? {} : { scale: definition.scale }),
          },
          additionalPrinterColumns: definition.columns,
        },
      ],
    },
  };
}

/** `kubectl get slipway` must not fail for people who may read one namespace only. */
function categories({ scope }: KindDefinition): { readonly categories?: readonly string[] } {
  return scope === 'Cluster' ? {} : { categories: ['slipway'] };
}

function objectSchema(definition: KindDefinition): object {
  const rules = definition.rules.length === 0 ? {} : { 'x-kubernetes-validations': definition.rules };
  return {
    type: 'object',
    description: definition.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(definition.spec),
      ...(definition.status === undefined
        ? {}
        : { status: { ...structuralSchema(definition.status), default: NOT_OBSERVED } }),
    },
    ...rules,
  };
}
