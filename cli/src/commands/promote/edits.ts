/** What promotion writes, from what the folder holds. Values change in place, so comments and layout stay as they are. */
import { groupVersion } from '@slipway/crds';
import type { ModelVersion } from '@slipway/crds';
import { isMap, isNode, isSeq, parseDocument, stringify } from 'yaml';
import type { Document } from 'yaml';
import { didYouMean } from '../../did-you-mean.ts';
import { CliError } from '../../errors.ts';
import { manifestsOf, scalarAt, textAt } from './folder.ts';
import type { Manifest, YamlFile } from './folder.ts';

/** Where a version was promoted from: JSON with cluster, namespace and modelVersion. */
const ORIGIN_ANNOTATION = 'slipway.dev/origin';

export interface Promotion {
  readonly version: ModelVersion;
  readonly origin: { readonly cluster: string; readonly namespace: string };
  /** The Store of the target; undefined: one of the same name. */
  readonly store: string | undefined;
  /** The services that get the version; undefined: those that serve a version of the same model. */
  readonly services: readonly string[] | undefined;
}

export interface FileChange {
  /** Below the folder. */
  readonly path: string;
  /** Empty for a new file. */
  readonly before: string;
  readonly after: string;
}

export interface Edits {
  readonly changes: readonly FileChange[];
  /** The services that serve the version now, by what the files say. */
  readonly services: readonly string[];
  /** Those that are in the folder and were left as they are. */
  readonly untouched: readonly string[];
}

/** @throws CliError where the folder has another version of that name, or not the service that was named. */
export function promotionEdits(files: readonly YamlFile[], promotion: Promotion): Edits {
  const manifests = manifestsOf(files);
  const name = promotion.version.metadata.name;
  const services = manifests.filter(({ kind }) => kind === 'InferenceService');
  const chosen = chosenServices(services, manifests, promotion);
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  // From the end of each file to its beginning, so that the places of what comes before stay right.
  for (const { file, document } of chosen.toReversed()) {
    texts.set(file.path, setText(texts.get(file.path) ?? '', document, name));
  }
  addVersion(texts, manifests, { promotion, namespace: chosen[0]?.namespace ?? services[0]?.namespace });
  const changes = [...texts]
    .map(([path, after]) => ({ path, before: files.find((file) => file.path === path)?.text ?? '', after }))
    .filter(({ before, after }) => before !== after);
  return {
    changes,
    services: chosen.map((service) => service.name),
    untouched: services.filter((service) => !chosen.includes(service)).map((service) => service.name),
  };
}

function chosenServices(
  services: readonly Manifest[],
  manifests: readonly Manifest[],
  promotion: Promotion,
): Manifest[] {
  const names = promotion.services;
  if (names === undefined) return services.filter((service) => servesSameModel(service, manifests, promotion.version));
  for (const name of names) {
    const there = services.map((service) => service.name);
    if (there.includes(name)) continue;
    const meant = didYouMean(name, there);
    const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
    const list =
      there.length === 0 ? 'The folder has none; copy its YAML there first.' : `The folder has: ${there.join(', ')}`;
    throw new CliError(`The folder has no InferenceService "${name}".${suggestion}`, list);
  }
  return services.filter((service) => names.includes(service.name));
}

/** A version in the folder says whose it is; else its name does, which is made of the model's (`flights-delay-3-7f3a2c`). */
function servesSameModel(service: Manifest, manifests: readonly Manifest[], { spec, metadata }: ModelVersion): boolean {
  const served = textAt(service.document, ['spec', 'modelVersion', 'name']);
  if (served === undefined) return false;
  if (served === metadata.name) return true;
  if (spec.model === undefined) return false;
  const version = manifests.find(({ kind, name }) => kind === 'ModelVersion' && name === served);
  const model = version === undefined ? undefined : textAt(version.document, ['spec', 'model', 'name']);
  return (model ?? modelInName(served)) === spec.model.name;
}

function modelInName(version: string): string | undefined {
  return /^(.+)-\d+-[0-9a-f]{6}$/.exec(version)?.[1];
}

function setText(text: string, document: Document.Parsed, name: string): string {
  const node = scalarAt(document, ['spec', 'modelVersion', 'name']);
  if (node?.range === undefined || node.range === null) return text;
  const [start, end] = node.range;
  // With quotes where YAML would take a name for something else, such as 1e3.
  return text.slice(0, start) + stringify(name).trim() + text.slice(end);
}

interface VersionFile {
  readonly promotion: Promotion;
  readonly namespace: string | undefined;
}

function addVersion(
  texts: Map<string, string>,
  manifests: readonly Manifest[],
  { promotion, namespace }: VersionFile,
): void {
  const { metadata, spec } = promotion.version;
  const there = manifests.find(({ kind, name }) => kind === 'ModelVersion' && name === metadata.name);
  if (there !== undefined) {
    const digest = textAt(there.document, ['spec', 'artifact', 'digest']);
    if (digest === spec.artifact.digest) return;
    throw new CliError(
      `${there.file.path} has a ModelVersion "${metadata.name}" with other bytes (${digest ?? 'no digest'}).`,
      'A version never changes: remove that file, or give the folder a version of its own name.',
    );
  }
  const path = `modelversion-${metadata.name}.yaml`;
  texts.set(path, versionText(promotion, namespace));
  const kustomization = ['kustomization.yaml', 'kustomization.yml'].find((name) => texts.has(name));
  if (kustomization !== undefined) texts.set(kustomization, withResource(texts.get(kustomization) ?? '', path));
}

function versionText({ version, origin, store }: Promotion, namespace: string | undefined): string {
  const { metadata } = version;
  // In the order in which a person would write it; the API server gives fields in that of the alphabet.
  const { model, number, artifact, ...rest } = version.spec;
  const from = { ...origin, modelVersion: metadata.name };
  const object = {
    apiVersion: groupVersion,
    kind: 'ModelVersion',
    metadata: {
      name: metadata.name,
      ...(namespace === undefined ? {} : { namespace }),
      annotations: { [ORIGIN_ANNOTATION]: JSON.stringify(from) },
    },
    spec: {
      ...(model === undefined ? {} : { model }),
      number,
      artifact: store === undefined ? artifact : { ...artifact, store: { name: store } },
      ...rest,
    },
  };
  const head = `# Promoted by \`slipway promote\` from namespace ${origin.namespace} of ${origin.cluster}. A version never changes: make another one instead.\n`;
  return head + stringify(object, { lineWidth: 0 });
}

/** One entry more at the end of `resources`, in the way in which the others are written. */
function withResource(text: string, path: string): string {
  const contents: unknown = parseDocument(text, { logLevel: 'silent' }).contents;
  const resources: unknown = isMap(contents) ? contents.get('resources', true) : undefined;
  if (!isSeq(resources)) return `${text.replace(/\n*$/, '\n')}resources:\n  - ${path}\n`;
  const last = resources.items.at(-1);
  const [start = 0, end = 0] = (isNode(last) ? last.range : resources.range) ?? [];
  if (last === undefined) return `${text.slice(0, start)}[${path}]${text.slice(end)}`;
  if (resources.flow === true) return `${text.slice(0, end)}, ${path}${text.slice(end)}`;
  const lineStart = text.lastIndexOf('\n', start) + 1;
  const indent = /^\s*/.exec(text.slice(lineStart))?.[0] ?? '';
  const newline = text.indexOf('\n', end);
  const lineEnd = newline === -1 ? text.length : newline;
  return `${text.slice(0, lineEnd)}\n${indent}- ${path}${text.slice(lineEnd)}`;
}
