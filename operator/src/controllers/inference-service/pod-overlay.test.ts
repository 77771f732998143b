import { describe, expect, it } from 'vitest';
import { POD_PATHS, USUAL_POD_PATHS } from '../../pod-paths.ts';
import { overlayProblem } from './pod-overlay.ts';

const rules = { allowed: USUAL_POD_PATHS, mountPath: '/models' };

const mounting = (...paths: readonly string[]) => ({
  containers: [{ name: 'server', volumeMounts: paths.map((mountPath) => ({ name: 'a', mountPath })) }],
});

describe('overlayProblem', () => {
  it('has nothing against what is allowed, whatever its values', () => {
    const spec = {
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      nodeSelector: { disk: 'fast' },
      affinity: { nodeAffinity: {} },
      priorityClassName: 'high',
      volumes: [{ name: 'a', emptyDir: {} }],
      ...mounting('/a', '/b'),
    };
    const metadata = { labels: { team: 'a' }, annotations: { note: 'b' } };
    expect(overlayProblem({ metadata, spec }, rules)).toBeUndefined();
    expect(overlayProblem({}, { ...rules, allowed: [] })).toBeUndefined();
  });

  it('names the path that is not allowed, and those that are', () => {
    expect(overlayProblem({ spec: { hostNetwork: true } }, rules)).toEqual({
      reason: 'PodFieldNotAllowed',
      message:
        'spec.pod.spec.hostNetwork is not allowed. Allowed in spec.pod: metadata.labels, metadata.annotations, spec.tolerations, spec.nodeSelector, spec.affinity, spec.priorityClassName, spec.volumes, spec.containers[server].volumeMounts. Whoever runs Slipway chooses this with its setting podPaths.',
    });
  });

  it.each([
    ['labels', { metadata: { labels: { a: 'b' } } }, 'spec.pod.metadata.labels'],
    ['volumes', { spec: { volumes: [] } }, 'spec.pod.spec.volumes'],
    ['mounts', { spec: mounting('/a') }, 'spec.pod.spec.containers[server].volumeMounts'],
    ['a runtime class', { spec: { runtimeClassName: 'gvisor' } }, 'spec.pod.spec.runtimeClassName'],
  ])('goes by what the install allows: %s', (_, pod, path) => {
    const allowed = ['spec.tolerations'] as const;
    expect(overlayProblem(pod, { ...rules, allowed })?.message).toContain(
      `${path} is not allowed. Allowed in spec.pod: spec.tolerations. `,
    );
    expect(overlayProblem(pod, { ...rules, allowed: POD_PATHS })).toBeUndefined();
  });

  it.each([
    ['another container', { containers: [{ name: 'mine' }] }, 'spec.pod.spec.containers[mine] is not allowed'],
    ['the image', { containers: [{ name: 'server', image: 'x' }] }, 'spec.pod.spec.containers[server].image is not'],
    ['init containers', { initContainers: [] }, 'spec.pod.spec.initContainers is not allowed'],
    ['a list that is none', { volumes: { a: {} } }, 'spec.pod.spec.volumes must be a list'],
    ['an object that is none', { affinity: [] }, 'spec.pod.spec.affinity must be an object'],
    ['text that is none', { priorityClassName: 1 }, 'spec.pod.spec.priorityClassName must be a text'],
    ['nothing', null, 'spec.pod.spec must be an object'],
    ['mounts that are no list', { containers: [{ name: 'server', volumeMounts: 1 }] }, 'volumeMounts must be a list'],
    ['an entry without a name', { volumes: [null] }, 'spec.pod.spec.volumes[0] must have a name'],
    ['one name twice', { volumes: [{ name: 'a' }, { name: 'a' }] }, 'spec.pod.spec.volumes has "a" twice'],
    ['a volume of ours', { volumes: [{ name: 'store' }] }, 'has "store", which is Slipway\'s own; take another name'],
    ['where the model is', mounting('/mnt/m'), 'volumeMounts has "/mnt/m", which is Slipway\'s own'],
    ['where scratch files are', mounting('/tmp'), 'volumeMounts has "/tmp", which is Slipway\'s own'],
    ['one path twice', mounting('/a', '/a'), 'volumeMounts has "/a" twice'],
  ])('says what is wrong with %s', (_, spec, message) => {
    expect(overlayProblem({ spec }, { ...rules, mountPath: '/mnt/m' })?.message).toContain(message);
  });
});
