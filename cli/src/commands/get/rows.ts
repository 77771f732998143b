/** What `slipway get` shows of each kind: a line an object, made of the object alone. */
import type {
  Approval,
  Dataset,
  DatasetVersion,
  FeatureSet,
  InferenceService,
  Model,
  ModelAlias,
  ModelRollout,
  ModelVersion,
  Store,
  TrafficRoute,
  TrainingJob,
} from '@slipway/crds';
import { conditionOf, healthOf } from '../../cluster/conditions.ts';
import type { Health } from '../../cluster/conditions.ts';
import { keyOf, keyToString } from '@slipway/kube';
import type { KindName, SlipwayObject } from '../../cluster/kinds.ts';
import { age } from '../../terminal/age.ts';
import type { Cell, Table } from '../../terminal/table.ts';
import type { Measured } from './read-traffic.ts';
import type { Traffic } from './traffic.ts';

export interface RowOptions {
  /** With a column for the namespace. */
  readonly allNamespaces: boolean;
  readonly wide: boolean;
  readonly now: Date;
  readonly measured: Measured;
}

interface Column {
  readonly head: string;
  readonly wideOnly?: boolean;
  cell(object: SlipwayObject, options: RowOptions): string | Cell;
}

/** The columns of each kind between its name and its age. The reason comes last, because it may be cut. */
const COLUMNS: Readonly<Record<KindName, readonly Column[]>> = {
  InferenceService: [
    of('VERSION', (service: InferenceService) => versionOf(service)),
    { head: 'TRAFFIC', cell: (object, { measured }) => trafficText(object as InferenceService, measured) },
    of('READY', (service: InferenceService) => readyPods(service)),
    { head: 'RATE', cell: (object, { measured }) => rateText(trafficOf(object, measured)) },
    { head: 'P99', cell: (object, { measured }) => durationText(trafficOf(object, measured)?.p99) },
    { head: 'ERRORS', cell: (object, { measured }) => shareCell(trafficOf(object, measured)?.errors) },
    of('NEXT', ({ status }: InferenceService) => status?.candidate?.modelVersion, 'wide'),
    of('ADDRESS', ({ status }: InferenceService) => status?.address?.http, 'wide'),
  ],
  ModelRollout: [
    of('SERVICE', ({ spec }: ModelRollout) => spec.inferenceService.name),
    of('STEP', ({ status }: ModelRollout) => stepText(status)),
    of('WEIGHT', ({ status }: ModelRollout) => rolloutWeight(status)),
    READY(),
    of('OUTCOME', ({ status }: ModelRollout) => status?.outcome),
    of('CAUSE', ({ spec }: ModelRollout) => spec.cause, 'wide'),
    of('FROM', ({ spec }: ModelRollout) => spec.from?.revision, 'wide'),
    of('TO', ({ spec }: ModelRollout) => spec.to.revision, 'wide'),
  ],
  ModelVersion: [
    of('MODEL', ({ spec }: ModelVersion) => spec.model?.name),
    of('NUMBER', ({ spec }: ModelVersion) => String(spec.number)),
    READY(),
    { head: 'USED', cell: (object) => (conditionOf(object, 'InUse')?.status === 'True' ? 'yes' : 'no') },
    of('METRICS', ({ spec }: ModelVersion) => metricsText(spec.metrics)),
    of('DIGEST', ({ spec }: ModelVersion) => spec.artifact.digest, 'wide'),
  ],
  ModelAlias: [
    of('VERSION', ({ spec }: ModelAlias) => spec.modelVersion.name),
    of('BY', ({ spec }: ModelAlias) => spec.by),
    of('SIGNATURE', ({ status }: ModelAlias) => status?.by),
    READY(),
    of('EVIDENCE', ({ spec }: ModelAlias) => spec.evidence, 'wide'),
  ],
  Approval: [
    of('VERSION', ({ spec }: Approval) => spec.modelVersion.name),
    of('DECISION', ({ spec }: Approval) => spec.decision),
    of('BY', ({ spec }: Approval) => spec.by),
    of('SIGNATURE', ({ status }: Approval) => status?.by),
    READY(),
    of('WHY', ({ spec }: Approval) => spec.reason, 'wide'),
    of('EVIDENCE', ({ spec }: Approval) => spec.evidence, 'wide'),
  ],
  Model: [
    of('LATEST', ({ status }: Model) => status?.latest?.name),
    of('VERSIONS', ({ status }: Model) => status?.versions?.toString()),
    READY(),
  ],
  TrainingJob: [
    of('FRAMEWORK', ({ spec }: TrainingJob) => spec.framework),
    of('NODES', ({ spec }: TrainingJob) => String(spec.nodes)),
    of('ATTEMPT', ({ status }: TrainingJob) => status?.attempt?.toString()),
    READY(),
    of('VERSION', ({ status }: TrainingJob) => status?.output?.modelVersion),
    of('DATASET', ({ spec, status }: TrainingJob) => status?.datasetVersion ?? spec.dataset.name, 'wide'),
  ],
  DatasetVersion: [
    of('DATASET', ({ spec }: DatasetVersion) => spec.dataset.name),
    of('TRAIN', ({ spec }: DatasetVersion) => String(spec.rows.train)),
    of('VALIDATION', ({ spec }: DatasetVersion) => String(spec.rows.validation)),
    of('TEST', ({ spec }: DatasetVersion) => String(spec.rows.test)),
    READY(),
  ],
  Dataset: [
    of('VERSION', ({ status }: Dataset) => status?.latest?.name),
    of('ROWS', ({ status }: Dataset) => status?.latest?.rows.toString()),
    READY(),
  ],
  FeatureSet: [
    of('ROWS', ({ status }: FeatureSet) => status?.materialization?.rows.toString()),
    {
      head: 'NEWEST',
      cell: (object, { now }) => age((object as FeatureSet).status?.materialization?.watermark?.event, now),
    },
    READY(),
  ],
  Store: [of('URI', ({ spec }: Store) => spec.uri), of('ACCESS', ({ spec }: Store) => spec.access), READY()],
};

export function tableOf(kind: KindName, objects: readonly SlipwayObject[], options: RowOptions): Table {
  const columns = allColumns(kind).filter(
    ({ head, wideOnly }) => (options.wide || wideOnly !== true) && (options.allNamespaces || head !== 'NAMESPACE'),
  );
  const rows = objects.map((object) => columns.map((column) => cellOf(column.cell(object, options))));
  return { head: columns.map(({ head }) => head), rows };
}

function allColumns(kind: KindName): Column[] {
  return [
    { head: 'NAMESPACE', cell: ({ metadata }) => metadata.namespace ?? '' },
    { head: 'NAME', cell: ({ metadata }) => metadata.name },
    ...COLUMNS[kind],
    { head: 'AGE', cell: ({ metadata }, { now }) => age(metadata.creationTimestamp, now) },
    { head: 'REASON', cell: (object) => reasonCell(object) },
  ];
}

/** `read` takes an object of the kind in whose list the column stands. */
function of(head: string, read: (object: never) => string | Cell | undefined, wide?: 'wide'): Column {
  const cell = (object: SlipwayObject) => read(object as never) ?? '-';
  return wide === undefined ? { head, cell } : { head, cell, wideOnly: true };
}

function READY(): Column {
  return { head: 'READY', cell: (object) => readyCell(healthOf(object)) };
}

function cellOf(value: string | Cell): Cell {
  if (typeof value !== 'string') return value;
  return { text: value === '' ? '-' : value };
}

const COLOUR_OF = { well: 'green', waiting: 'yellow', wrong: 'red' } as const;

function readyCell({ state }: Health): Cell {
  return { text: state === 'well' ? 'yes' : 'no', colour: COLOUR_OF[state] };
}

/** Why it is not ready, or what still goes on; empty where there is nothing to say. */
function reasonCell(object: SlipwayObject): Cell {
  const health = healthOf(object);
  const reconciling = conditionOf(object, 'Reconciling');
  if (health.state !== 'well') return { text: `${health.reason}: ${health.message}`, colour: COLOUR_OF[health.state] };
  if (reconciling?.status !== 'True') return { text: ' ' };
  return { text: `${reconciling.reason}: ${reconciling.message}`, colour: 'yellow' };
}

/** The version that answers; before any has, the one that is asked for. */
function versionOf({ spec, status }: InferenceService): string {
  return status?.stable?.modelVersion ?? spec.modelVersion?.name ?? '-';
}

/** The weight of the version that answers, and the share of the requests that it was given where that is another. */
function trafficText(service: InferenceService, measured: Measured): string {
  const { stable, conditions } = service.status ?? {};
  const isServing = conditions?.some(({ type, status }) => type === 'Serving' && status === 'True') ?? false;
  if (stable === undefined || !isServing) return '0%';
  const weight = weightOf(stable.revision, measured.routes.get(keyToString(keyOf(service))));
  const shares = trafficOf(service, measured)?.shares ?? new Map<string, number>();
  const seen = shares.size === 0 ? weight : `${Math.round((shares.get(stable.revision) ?? 0) * 100)}%`;
  return seen === weight ? weight : `${weight} seen ${seen}`;
}

function weightOf(revision: string, route: TrafficRoute | undefined): string {
  const backend = route?.spec.backends.find((one) => one.revision === revision);
  return backend === undefined ? '-' : `${backend.weight}%`;
}

function trafficOf(object: SlipwayObject, { traffic }: Measured): Traffic | undefined {
  return traffic.get(keyToString(keyOf(object)));
}

function stepText({ step, steps }: NonNullable<ModelRollout['status']> = {}): string | undefined {
  return step === undefined ? undefined : `${step}/${steps ?? '?'}`;
}

/** What the candidate shall get, and behind it what it gets where no gateway, or not every one, goes by it yet. */
function rolloutWeight({ weight, observedWeight }: NonNullable<ModelRollout['status']> = {}): string | undefined {
  if (weight === undefined || weight === observedWeight) return weight === undefined ? undefined : `${weight}%`;
  return `${weight}% seen ${observedWeight === undefined ? 'by some' : `${observedWeight}%`}`;
}

function readyPods({ spec, status }: InferenceService): Cell {
  const { replicas } = spec.scaling;
  const ready = status?.stable?.ready ?? 0;
  return { text: `${ready}/${replicas}`, colour: ready >= replicas ? 'green' : ready === 0 ? 'red' : 'yellow' };
}

function metricsText(metrics: ModelVersion['spec']['metrics']): string | undefined {
  const [first, ...rest] = metrics ?? [];
  if (first === undefined) return undefined;
  const more = rest.length === 0 ? '' : ` +${rest.length}`;
  return `${first.name}=${Number(first.value.toPrecision(4))}${more}`;
}

function rateText(traffic: Traffic | undefined): string {
  if (traffic === undefined) return '-';
  const { rate } = traffic;
  return `${rate === 0 || rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`;
}

function durationText(seconds: number | undefined): string {
  if (seconds === undefined) return '-';
  if (seconds >= 1) return `${seconds.toFixed(1)}s`;
  const ms = seconds * 1000;
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)}ms`;
}

function shareCell(share: number | undefined): string | Cell {
  if (share === undefined) return '-';
  if (share === 0) return '0%';
  const percent = share * 100;
  return { text: percent < 0.1 ? '<0.1%' : `${percent.toFixed(1)}%`, colour: 'red' };
}
