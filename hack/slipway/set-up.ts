/** A cluster with our images in it and Slipway installed. Everything here is found done when it was done before. */
import { join } from 'node:path';
import { clusterUp, loadImages } from '../cluster/index.ts';
import { buildImages } from '../images/index.ts';
import type { BuiltImage, ImageName } from '../images/index.ts';
import { slipwayCluster } from './slipway-cluster.ts';
import type { SlipwayCluster } from './slipway-cluster.ts';
import { say, stage } from './stages.ts';

export const SYSTEM_NAMESPACE = 'slipway-system';
/** Folder of the chart. */
export const CHART = join(import.meta.dirname, '..', '..', 'charts', 'slipway');

export interface Ready {
  readonly cluster: SlipwayCluster;
  /** The trainer's image, named by digest. */
  readonly trainerImage: string;
}

export async function setUp({ name, namespace }: { name: string; namespace: string }): Promise<Ready> {
  const kubeconfig = await stage('A Kubernetes of its own', () => clusterUp({ name, progress: say }));
  const images = await stage('Images of Slipway and of the trainer', () => buildImages({ progress: say }));
  const pinned = await stage('Images into the cluster', () =>
    loadImages(
      name,
      Object.values(images).map((image) => image.tar),
    ),
  );
  const cluster = await slipwayCluster({ name, namespace, kubeconfig });
  await stage('Slipway, by its Helm chart', () => install(cluster, images));
  const trainerImage = pinned.get(images['flights-trainer'].tar);
  if (trainerImage === undefined) throw new Error('the image of the trainer is not in the cluster');
  return { cluster, trainerImage };
}

async function install(cluster: SlipwayCluster, images: Record<ImageName, BuiltImage>): Promise<void> {
  const { helm, kubectl, namespace } = cluster;
  await endInterruptedRelease(cluster);
  // The tag is the same for every build, so this is what makes a new build replace what runs.
  const annotations = [
    `podAnnotations.slipway\\.dev/build=${images.operator.digest.slice(7, 19)}`,
    `gateway.podAnnotations.slipway\\.dev/build=${images.gateway.digest.slice(7, 19)}`,
  ];
  const release = ['upgrade', '--install', 'slipway', CHART, '--namespace', SYSTEM_NAMESPACE, '--create-namespace'];
  await helm([...release, '--set-string', annotations.join(','), '--wait', '--timeout', '3m']);
  await kubectl(['create', 'namespace', namespace]).catch(() => '');
  say(`operator and gateways run in ${SYSTEM_NAMESPACE}, our objects will be in the namespace ${namespace}`);
}

/** Helm refuses to go on with a release whose last change was interrupted. */
async function endInterruptedRelease({ helm }: SlipwayCluster): Promise<void> {
  const release = ['slipway', '--namespace', SYSTEM_NAMESPACE];
  const status = await helm(['status', ...release, '--output', 'json']).catch(() => '{}');
  const { info } = JSON.parse(status) as { info?: { status: string } };
  if (info?.status.startsWith('pending') !== true) return;
  say(`an interrupted Helm release is in the way (${info.status}); it is ended first`);
  // The chart keeps the CRDs, and with them every object.
  await helm([info.status === 'pending-install' ? 'uninstall' : 'rollback', ...release, '--wait']);
}
