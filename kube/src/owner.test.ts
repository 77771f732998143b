import { expect, it } from 'vitest';
import { builtin } from './builtin-kinds.ts';
import { byControllerUid, toController } from './owner.ts';
import { configMap } from './testing/fixtures.ts';
import { defineKind } from './types.ts';

const owned = {
  ...configMap('child'),
  metadata: {
    ...configMap('child').metadata,
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'bystander', uid: 'u0' },
      { apiVersion: 'batch/v1', kind: 'Job', name: 'boss', uid: 'u1', controller: true },
    ],
  },
};

it('a child is found by the uid of its controller, not by other owners', () => {
  expect(byControllerUid(owned)).toEqual(['u1']);
  expect(byControllerUid(configMap('free'))).toEqual([]);
});

it('a child wakes its controller only if that is of the kind and group asked for', () => {
  const otherJob = defineKind({ group: 'other.dev', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true });

  expect(toController(builtin.Job)(owned)).toEqual([{ namespace: 'default', name: 'boss' }]);
  expect(toController(otherJob)(owned)).toEqual([]);
  expect(toController(builtin.ConfigMap)(owned)).toEqual([]);
  expect(toController({ ...builtin.Job, namespaced: false })(owned)).toEqual([{ name: 'boss' }]);
});
