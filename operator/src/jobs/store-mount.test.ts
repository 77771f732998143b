import { describe, expect, it } from 'vitest';
import { aStore } from '../testing/fixtures.ts';
import { parseStoreUri, pathFromStore, pathInStore, storeMounts } from './store-mount.ts';

describe('parseStoreUri', () => {
  it.each([
    ['pvc://lake', { claim: 'lake', path: '' }],
    ['pvc://lake/', { claim: 'lake', path: '' }],
    ['pvc://lake/team//a/', { claim: 'lake', path: 'team/a' }],
  ])('reads %s', (uri, expected) => {
    expect(parseStoreUri(uri)).toEqual(expected);
  });

  it('knows nothing but volume claims', () => {
    expect(parseStoreUri('s3://bucket/a')).toBeUndefined();
  });
});

describe('pathInStore', () => {
  it('puts the path of the uri between the mount and the path inside the Store', () => {
    expect(pathInStore(aStore(), 'models/a')).toBe('/stores/default/team/models/a');
    expect(pathInStore(aStore({ uri: 'pvc://models' }), '')).toBe('/stores/default');
  });

  it('is undone by pathFromStore, which knows no path of another Store', () => {
    expect(pathFromStore(aStore(), '/stores/default/team/models/a')).toBe('models/a');
    expect(pathFromStore(aStore(), '/stores/other/team/models/a')).toBeUndefined();
  });
});

describe('storeMounts', () => {
  it('mounts the root of the claim, read-only where it is only read', () => {
    expect(storeMounts([{ store: aStore(), access: 'read' }])).toEqual({
      volumes: [{ name: 'store-0', persistentVolumeClaim: { claimName: 'models' } }],
      mounts: [{ name: 'store-0', mountPath: '/stores/default', readOnly: true }],
    });
  });

  it('mounts a Store that is read and written once, writable', () => {
    const { volumes, mounts } = storeMounts([
      { store: aStore(), access: 'write' },
      { store: aStore(), access: 'read' },
    ]);

    expect(volumes).toHaveLength(1);
    expect(mounts).toEqual([{ name: 'store-0', mountPath: '/stores/default' }]);
  });

  it('lists a claim once that two Stores share', () => {
    const { volumes, mounts } = storeMounts([
      { store: aStore({ name: 'lake', uri: 'pvc://disk/lake' }), access: 'read' },
      { store: aStore({ name: 'out', uri: 'pvc://disk/out' }), access: 'write' },
    ]);

    expect(volumes).toEqual([{ name: 'store-0', persistentVolumeClaim: { claimName: 'disk' } }]);
    expect(mounts).toEqual([
      { name: 'store-0', mountPath: '/stores/lake', readOnly: true },
      { name: 'store-0', mountPath: '/stores/out' },
    ]);
  });
});
