/** The ConfigMap by which the pods of a service know the gateways. It is mounted, so that new keys reach them without a restart. */
import type { InferenceService } from '@slipway/crds';
import { gatewayTokenAudience } from '@slipway/crds/known-gateways';
import type { KnownGateways } from '@slipway/crds/known-gateways';
import type { ConfigMap, DeepReadonly } from '@slipway/kube';
import type { GatewayIssuer } from '../../gateways/token-issuer.ts';
import { childName } from '../../names.ts';
import { ownedMetadata } from './owned-metadata.ts';
import type { PodTemplate } from './revision.ts';

export const GATEWAYS_VOLUME = 'slipway-gateways';
export const GATEWAYS_MOUNT = '/var/run/slipway/gateways';

const FILE = 'gateways.json';
const FLAG = '--gateways-file=';

export function buildKnownGateways(owner: DeepReadonly<InferenceService>, issuer: GatewayIssuer): ConfigMap {
  const { name, namespace = '' } = owner.metadata;
  const known: KnownGateways = { ...issuer, audience: gatewayTokenAudience(namespace, name) };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: ownedMetadata(owner, configMapName(name)),
    data: { [FILE]: JSON.stringify(known) },
  };
}

export const GATEWAYS_VOLUME_MOUNT = { name: GATEWAYS_VOLUME, mountPath: GATEWAYS_MOUNT, readOnly: true };

/** Where the container of our model server finds it. */
export const GATEWAYS_ARG = `${FLAG}${GATEWAYS_MOUNT}/${FILE}`;

export function gatewaysVolume(service: string) {
  return { name: GATEWAYS_VOLUME, configMap: { name: configMapName(service) } };
}

export function takesGatewaysAlone(template: DeepReadonly<PodTemplate> | undefined): boolean {
  const containers = template?.spec?.containers ?? [];
  return containers.some(({ args = [] }) => args.some((arg) => arg.startsWith(FLAG)));
}

function configMapName(service: string): string {
  return childName(service, 'gateways');
}
