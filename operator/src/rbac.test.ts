import { createManager } from '@slipway/kube';
import type { CacheOptions, KubeKind, KubeObject } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { createCaches } from './caches.ts';
import { accessAtPodsRules, gatewayApiRules, mergeRules, operatorRules } from './rbac.ts';
import { GATEWAY } from './testing/fixtures.ts';

function mayDo(group: string, resource: string): readonly string[] {
  return [...operatorRules, ...gatewayApiRules]
    .filter(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(resource))
    .flatMap(({ verbs }) => verbs);
}

describe('operatorRules', () => {
  it('never speak of Secrets, nor of everything', () => {
    const words = operatorRules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
    expect(words).not.toContain('secrets');
    expect(words).not.toContain('*');
  });

  it('let the operator read every kind that it keeps a cache of', () => {
    const cached: KubeKind[] = [];
    const cache = ((kind: KubeKind, _options?: CacheOptions<KubeObject>) => {
      cached.push(kind);
      return {};
    }) as unknown as ReturnType<typeof createManager>['cache'];
    createCaches({ cache }, { gateway: GATEWAY, gatewayApi: true, accessAtPods: true });

    expect(cached.length).toBeGreaterThan(15);
    for (const { group, plural } of cached) {
      expect({ plural, verbs: mayDo(group, plural) }).toEqual({
        plural,
        verbs: expect.arrayContaining(['get', 'list', 'watch']),
      });
    }
  });

  it('touch nothing of the Gateway API, which has its own', () => {
    expect(operatorRules.flatMap(({ apiGroups }) => apiGroups)).not.toContain('gateway.networking.k8s.io');
  });

  it('write no ConfigMaps, but where pods have to know the gateways', () => {
    expect(mayDo('', 'configmaps')).toEqual(['get', 'list', 'watch']);
    expect(accessAtPodsRules).toEqual([{ apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'patch'] }]);
  });

  it('let it write every status of ours and no spec but that of a child', () => {
    const specs = [
      'stores',
      'featuresets',
      'datasets',
      'models',
      'trainingjobs',
      'inferenceservices',
      'approvals',
      'modelaliases',
    ];
    for (const resource of specs) expect(mayDo('slipway.dev', `${resource}/status`)).toContain('patch');
    for (const resource of specs) expect(mayDo('slipway.dev', resource)).not.toContain('delete');
  });
});

describe('mergeRules', () => {
  it('makes one rule of what several controllers ask for', () => {
    const rules = mergeRules([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods', 'services'], verbs: ['list', 'get', 'watch'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['delete', 'create'] },
    ]);
    expect(rules).toEqual([
      { apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
    ]);
  });
});
