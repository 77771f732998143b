/** The images of this repository: which Dockerfile and target makes each, and which files it depends on. */

import packageJson from '../../package.json' with { type: 'json' };

/** Images have the chart's version, so that the chart and the examples name them without a word. */
export const VERSION = packageJson.version;

export const IMAGE_NAMES = ['operator', 'gateway', 'serving-runtime', 'batch-runtime', 'flights-trainer'] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];

export interface ImageDefinition {
  readonly reference: string;
  /** Build context and Dockerfile, relative to the root of the checkout. */
  readonly context: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly stages: SlowStages;
  /** Files and folders, relative to the root of the checkout, whose content decides what is in the image. */
  readonly inputs: readonly string[];
}

/** Stages of the Dockerfile that take long and change seldom, with what each is made of. */
export type SlowStages = Readonly<Record<string, readonly string[]>>;

/**
 * The root package.json and those of hack/ and test/ are copied too, for npm wants all workspaces. Their scripts must not make an image stale, and
 * their dependencies are in the lockfile.
 */
function slowStages(name: string, workspaces: readonly string[]): SlowStages {
  return {
    'root-files': ['Dockerfile', 'hack/images/collect-root-files.sh'],
    [`${name}-packages`]: [
      'Dockerfile',
      '.dockerignore',
      '.npmrc',
      'package-lock.json',
      'hack/images/install-packages.sh',
      ...workspaces.map((workspace) => `${workspace}/package.json`),
    ],
  };
}

function nodeImage(name: ImageName, workspaces: readonly string[]): ImageDefinition {
  const stages = slowStages(name, workspaces);
  return {
    reference: `docker.io/slipway/${name}:${VERSION}`,
    context: '.',
    dockerfile: 'Dockerfile',
    target: name,
    stages,
    inputs: [...new Set(Object.values(stages).flat()), ...workspaces.map((workspace) => `${workspace}/src`)],
  };
}

/** The bundler's version is in the Dockerfile, and nothing else goes into it. */
function withBundler(image: ImageDefinition): ImageDefinition {
  return { ...image, stages: { ...image.stages, bundler: ['Dockerfile'] } };
}

export const IMAGES: Readonly<Record<ImageName, ImageDefinition>> = {
  operator: withBundler(nodeImage('operator', ['crds', 'kube', 'telemetry', 'operator'])),
  gateway: withBundler(nodeImage('gateway', ['crds', 'kube', 'telemetry', 'serving-runtime', 'gateway'])),
  'serving-runtime': nodeImage('serving-runtime', ['crds', 'telemetry', 'serving-runtime']),
  'batch-runtime': nodeImage('batch-runtime', ['crds', 'batch-runtime']),
  'flights-trainer': {
    reference: `docker.io/slipway/flights-trainer:${VERSION}`,
    context: 'examples/flights/trainer',
    dockerfile: 'examples/flights/trainer/Dockerfile',
    stages: {},
    inputs: ['examples/flights/trainer/Dockerfile', 'examples/flights/trainer/requirements.txt'],
  },
};

export function isImageName(name: string): name is ImageName {
  return (IMAGE_NAMES as readonly string[]).includes(name);
}

/** Files that the `.dockerignore` keeps out of the build; a change of them must not make an image stale. */
export function isLeftOut(path: string): boolean {
  return path.endsWith('.test.ts') || path.split('/').some((part) => part === 'testing' || part === 'node_modules');
}

/** The base image that a Dockerfile names in `ARG <argument>=…`. Throws when there is none. */
export function baseImageOf(dockerfile: string, argument: string): string {
  const reference = new RegExp(`^ARG ${argument}=(\\S+)$`, 'm').exec(dockerfile)?.[1];
  if (reference === undefined)
    throw new Error(
      `The Dockerfile has no line "ARG ${argument}=…"; hack/images reads the name of the base image there.`,
    );
  return reference;
}
