import { describe, expect, it } from 'vitest';
import { plain } from '../../terminal/style.ts';
import { causesOf, renderChain, troubledPod } from './chain.ts';
import type { Link } from './chain.ts';

type State = Link['health']['state'];

function link(name: string, state: State, links: readonly Link[] = [], more: Partial<Link> = {}): Link {
  const [kind = '', rest = ''] = name.split(' ');
  const health = state === 'gone' || state === 'seen' ? { state } : { state, reason: `${rest}Reason`, message: '' };
  return { kind, name: rest, relation: 'needs', health, links, ...more };
}

const workload = { isWorkload: true };
const always = () => true;
const names = (chain: Link, explains: Parameters<typeof causesOf>[1] = always) =>
  causesOf(chain, explains).map(({ name }) => name);

describe('what is to blame', () => {
  it('is nothing where all is well, whatever happened to what it was made from', () => {
    const chain = link('InferenceService flights', 'well', [
      link('ModelVersion v', 'well', [link('TrainingJob old', 'wrong'), link('Dataset gone', 'gone')]),
    ]);

    expect(names(chain)).toEqual([]);
  });

  it('is the deepest part that is not well', () => {
    const store = link('Store lake', 'waiting', [link('PersistentVolumeClaim lost', 'wrong')]);
    const chain = link('InferenceService flights', 'waiting', [link('ModelVersion v', 'waiting', [store])]);

    expect(names(chain)).toEqual(['lost']);
  });

  it('is what is wrong before what only waits', () => {
    const chain = link('Dataset flights', 'waiting', [
      link('FeatureSet slow', 'waiting'),
      link('FeatureSet bad', 'wrong'),
    ]);

    expect(names(chain)).toEqual(['bad', 'slow']);
  });

  it('is the object itself where its reason was made of what its pods say', () => {
    const pod = link('Pod p', 'wrong', [], workload);
    const chain = link('InferenceService flights', 'wrong', [link('Deployment d', 'waiting', [pod], workload)]);

    expect(names(chain)).toEqual(['flights']);
    expect(troubledPod(chain)?.pod.name).toBe('p');
  });

  it('is the pod where the object has no reason to tell', () => {
    const pod = link('Pod p', 'wrong', [], workload);
    const chain = link('InferenceService flights', 'waiting', [link('Deployment d', 'waiting', [pod], workload)]);

    expect(names(chain, () => false)).toEqual(['p']);
  });
});

it('draws the chain as a tree', () => {
  const chain = link(
    'InferenceService flights',
    'wrong',
    [link('ModelVersion v', 'well', [link('TrainingJob t', 'gone')]), link('Store s', 'seen')],
    { relation: '' },
  );

  expect(renderChain(chain, plain)).toEqual([
    '✗ InferenceService flights  flightsReason',
    '├─ ✓ needs ModelVersion v  vReason',
    '│  └─   needs TrainingJob t  is gone, which does no harm',
    '└─   needs Store s  see above',
  ]);
});
