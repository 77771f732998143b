import type { BuildDatasetRequest } from '@slipway/crds/batch';
import type { Column } from '../tables/user-query.ts';

export interface SchemaColumn {
  readonly name: string;
  /** As in the Parquet files, in DuckDB's words. */
  readonly type: string;
  readonly role: 'key' | 'time' | 'request' | 'feature' | 'label';
  readonly featureSet?: string;
}

/** The columns of the files in their order, each with its role. `types` are those of the table `queries`. */
export function datasetColumns({ rows, features }: BuildDatasetRequest, types: readonly Column[]): SchemaColumn[] {
  const type = (name: string) => types.find((column) => column.name === name)?.type ?? '';
  const plain = (role: SchemaColumn['role']) => (name: string) => ({ name, type: type(name), role });
  return [
    ...rows.keys.map(plain('key')),
    { name: rows.at.column, type: 'TIMESTAMP WITH TIME ZONE', role: 'time' },
    ...rows.request.map(plain('request')),
    ...features.flatMap(({ featureSet, select }) =>
      select.map(({ name }) => ({ name, type: type(name), role: 'feature' as const, featureSet })),
    ),
    { name: rows.label.column, type: type(rows.label.column), role: 'label' },
  ];
}
