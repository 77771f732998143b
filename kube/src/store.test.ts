import { describe, expect, it } from 'vitest';
import type { ConfigMap } from './builtin-kinds.ts';
import { createStore } from './store.ts';
import { configMap } from './testing/fixtures.ts';

const byColour = {
  colour: (object: { readonly data?: Readonly<Record<string, string>> | undefined }) =>
    Object.values(object.data ?? {}),
};

describe('the store', () => {
  it('never lets an older version of the same object overwrite a newer one', () => {
    const store = createStore<ConfigMap>();
    store.upsert(configMap('a', { version: '10', data: { x: 'new' } }));

    const changes = store.upsert(configMap('a', { version: '9', data: { x: 'old' } }));

    expect(changes).toEqual([]);
    expect(store.get({ namespace: 'default', name: 'a' })?.data).toEqual({ x: 'new' });
  });

  it('believes an older version when it is told to', () => {
    const store = createStore<ConfigMap>();
    store.upsert(configMap('a', { version: '10' }));

    store.replace([configMap('a', { version: '9' })], { believe: true });

    expect(store.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion).toBe('9');
  });

  it('makes a deletion and a creation of an object that came back with another uid', () => {
    const store = createStore<ConfigMap>();
    store.upsert(configMap('a', { uid: 'first', version: '1' }));

    const changes = store.upsert(configMap('a', { uid: 'second', version: '5' }));

    expect(changes.map((change) => [change.old?.metadata.uid, change.new?.metadata.uid])).toEqual([
      ['first', undefined],
      [undefined, 'second'],
    ]);
  });

  it('keeps the namesake when the deletion of its predecessor comes late', () => {
    const store = createStore<ConfigMap>();
    store.upsert(configMap('a', { uid: 'second', version: '5' }));

    const afterDelete = store.remove(configMap('a', { uid: 'first', version: '4' }));
    const afterGhost = store.upsert(configMap('a', { uid: 'first', version: '3' }));

    expect([...afterDelete, ...afterGhost]).toEqual([]);
    expect(store.get({ namespace: 'default', name: 'a' })?.metadata.uid).toBe('second');
  });

  it('keeps what is newer than a list that does not hold it yet', () => {
    const store = createStore<ConfigMap>();
    store.upsert(configMap('older', { version: '4' }));
    store.upsert(configMap('newer', { version: '6' }));

    const changes = store.replace([], { version: '5' });

    expect(changes.map(({ old }) => old?.metadata.name)).toEqual(['older']);
    expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['newer']);
  });

  it('synthesises deletions of what a new list no longer holds, in its namespace only', () => {
    const store = createStore<ConfigMap>();
    store.replace([configMap('a'), configMap('b'), configMap('c', { namespace: 'other' })]);

    const changes = store.replace([configMap('b')], { namespace: 'default' });

    expect(changes.map((change) => [change.old?.metadata.name, change.new])).toEqual([['a', undefined]]);
    expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['b', 'c']);
  });

  it('finds objects by index, also after they changed, went, or the index came later', () => {
    const store = createStore<ConfigMap>({ indexes: byColour });
    const names = (index: string, value: string) => store.byIndex(index, value).map(({ metadata }) => metadata.name);
    store.upsert(configMap('a', { version: '1', data: { x: 'red' } }));
    store.upsert(configMap('b', { version: '1', data: { x: 'red' } }));
    store.upsert(configMap('a', { version: '2', data: { x: 'blue' } }));
    store.addIndexes({ name: (object) => [object.metadata.name] });

    expect(names('colour', 'red')).toEqual(['b']);
    expect(names('colour', 'blue')).toEqual(['a']);
    expect(names('name', 'a')).toEqual(['a']);
    store.remove(configMap('a'));
    expect(names('colour', 'blue')).toEqual([]);
    expect(() => store.byIndex('size', 'XL')).toThrow('No index "size"; there are: colour, name');
  });

  it('refuses a second index of the same name', () => {
    const store = createStore<ConfigMap>({ indexes: byColour });

    expect(() => store.addIndexes(byColour)).not.toThrow();
    expect(() => store.addIndexes({ colour: () => [] })).toThrow('already another index "colour"');
  });

  it('holds frozen objects without managedFields', () => {
    const store = createStore<ConfigMap>();
    const object = { ...configMap('a', { data: { x: '1' } }) };
    Object.assign(object.metadata, { managedFields: [{ manager: 'kubectl' }] });
    store.upsert(object);

    const stored = store.get({ namespace: 'default', name: 'a' });

    expect(stored?.metadata).not.toHaveProperty('managedFields');
    expect(() => Object.assign(stored?.data ?? {}, { x: '2' })).toThrow(TypeError);
  });
});
