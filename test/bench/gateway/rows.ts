/** The figures of one load, as rows of a table in Markdown. */
import type { LoadResult } from '../serving/load/load.ts';
import { median, perSecond } from '../serving/row.ts';

export const TABLE_HEAD = [
  '| load | through | p50 | p99 | added p50 | added p99 | requests | CPU of the gateway a request | Slipway beside it: requests, CPU |',
  '|---|---|---|---|---|---|---|---|---|',
].join('\n');

export interface Round {
  /** Without a gateway. */
  readonly direct: LoadResult;
  /** Each gateway, ours first. */
  readonly through: readonly LoadResult[];
}

type Figure = (result: LoadResult) => number;

const p50: Figure = (result) => result.p50;
const p99: Figure = (result) => result.p99;
const requests: Figure = (result) => result.perSecond;
const cpu: Figure = (result) => result.serverCpuMicroseconds;

export function rowsOf(load: string, names: readonly string[], rounds: readonly Round[]): readonly string[] {
  const direct = (figure: Figure) => median(rounds.map((round) => figure(round.direct)));
  const times = [milliseconds(direct(p50)), milliseconds(direct(p99)), '', ''];
  const first = row([load, 'nothing', ...times, perSecond(direct(requests)), '', '']);
  return [first, ...names.map((name, index) => row([load, name, ...gatewayCells(rounds, index)]))];
}

function gatewayCells(rounds: readonly Round[], index: number): readonly string[] {
  /** Differences and ratios are taken within a round, so that what else the machine did meets both sides. */
  const over = (figure: (own: LoadResult, round: Round) => number) =>
    median(rounds.flatMap((round) => round.through.slice(index, index + 1).map((own) => figure(own, round))));
  const added = (figure: Figure) => milliseconds(over((own, round) => figure(own) - figure(round.direct)));
  const beside = (figure: Figure) => {
    const ratio = over((own, { through: [ours] }) => (ours === undefined ? NaN : figure(ours) / figure(own)));
    // A peer that answered few requests may have used less processor time than can be counted.
    return Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : '?';
  };
  return [
    milliseconds(over(p50)),
    milliseconds(over(p99)),
    added(p50),
    added(p99),
    perSecond(over(requests)),
    `${over(cpu).toFixed(0)} µs`,
    index === 0 ? '' : `${beside(requests)}, ${beside(cpu)}`,
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
