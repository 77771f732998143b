import { builtin, type ConfigMap } from '../builtin-kinds.ts';
import type { Scope } from '../result.ts';
import type { KubeObject, Logger } from '../types.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A logger that keeps its lines; children write to the same list. */
export function createMemoryLog(
  lines: LogLine[] = [],
  bound: Record<string, unknown> = {},
): Logger & { readonly lines: LogLine[] } {
  const at = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...bound, ...fields }, message });
  return {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createMemoryLog(lines, { ...bound, ...fields }),
  };
}

export function configMap(
  name: string,
  options: { uid?: string; version?: string; data?: Record<string, string>; namespace?: string } = {},
): ConfigMap {
  const { uid = `uid-of-${name}`, version = '1', data = {}, namespace = 'default' } = options;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, uid, resourceVersion: version }, data };
}

export function ownerConfigMap(name: string, uid: string): { kind: typeof builtin.ConfigMap; object: KubeObject } {
  return { kind: builtin.ConfigMap, object: configMap(name, { uid }) };
}

export function testScope(log: Logger = createMemoryLog()): Scope {
  return { log, signal: new AbortController().signal, controller: 'test.things', reconcileId: 'r-1', reasons: [] };
}

/** Waits until the condition holds; fails after `ms` milliseconds of real time. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`still not so after ${ms} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
