import { describe, expect, it } from 'vitest';
import { driftOf } from './drift.ts';

describe('drift', () => {
  it.each<[string, object, object]>([
    ['equal objects', { spec: { a: 1 } }, { spec: { a: 1 } }],
    [
      'defaulted fields that we did not send',
      { spec: { a: 1 } },
      { spec: { a: 1, restartPolicy: 'Always' }, status: {} },
    ],
    [
      'quantities in other words',
      { resources: { limits: { cpu: '1000m', memory: '1024Mi' } } },
      { resources: { limits: { cpu: '1', memory: '1Gi' } } },
    ],
    ['a number as a quantity', { resources: { requests: { cpu: 2 } } }, { resources: { requests: { cpu: '2' } } }],
    ['null and empty for absent', { spec: { a: null, b: [], c: {}, d: undefined } }, { spec: {} }],
    [
      'containers that others added, in any order',
      { containers: [{ name: 'b', image: 'b' }] },
      {
        containers: [
          { name: 'istio', image: 'i' },
          { name: 'b', image: 'b', imagePullPolicy: 'Always' },
        ],
      },
    ],
    [
      'one port of an EndpointSlice under two names',
      {
        ports: [
          { name: 'http', port: 1, protocol: 'TCP' },
          { name: 'grpc', port: 1, protocol: 'TCP' },
        ],
      },
      {
        ports: [
          { name: 'http', port: 1, protocol: 'TCP' },
          { name: 'grpc', port: 1, protocol: 'TCP' },
        ],
      },
    ],
    [
      'the default protocol of a port',
      { ports: [{ containerPort: 80 }] },
      { ports: [{ containerPort: 80, protocol: 'TCP' }] },
    ],
    [
      'the ports of a Service',
      { ports: [{ port: 80, targetPort: 'http' }] },
      { ports: [{ port: 80, targetPort: 'http', protocol: 'TCP', nodePort: 30001 }] },
    ],
    ['finalizers of others', { metadata: { finalizers: ['ours'] } }, { metadata: { finalizers: ['theirs', 'ours'] } }],
    ['env with the value absent for empty', { env: [{ name: 'A', value: '' }] }, { env: [{ name: 'A' }] }],
    [
      'a false that the server does not store',
      { volumeMounts: [{ mountPath: '/x', readOnly: false }] },
      { volumeMounts: [{ mountPath: '/x' }] },
    ],
  ])('is none for %s', (_name, rendered, live) => {
    expect(driftOf(rendered, live)).toEqual([]);
  });

  it.each<[string, object, object, string]>([
    ['a changed value', { spec: { replicas: 3 } }, { spec: { replicas: 5 } }, 'spec.replicas=5'],
    [
      'a removed field',
      { spec: { automountServiceAccountToken: false } },
      { spec: {} },
      'spec.automountServiceAccountToken=absent',
    ],
    [
      'a removed container',
      { containers: [{ name: 'a', image: 'x' }] },
      { containers: [{ name: 'b' }] },
      'containers.a=absent',
    ],
    [
      'a changed image',
      { containers: [{ name: 'a', image: 'x' }] },
      { containers: [{ name: 'a', image: 'y' }] },
      'containers.a.image="y"',
    ],
    ['a longer argument list', { args: ['a'] }, { args: ['a', 'b'] }, 'args=["a","b"]'],
    ['arguments in another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, 'args.0="b"'],
    [
      'a quantity-like text that is none',
      { annotations: { size: '1000m' } },
      { annotations: { size: '1' } },
      'annotations.size="1"',
    ],
    ['a missing finalizer', { finalizers: ['ours'] }, { finalizers: ['theirs'] }, 'finalizers=["theirs"]'],
    [
      'another controller',
      { ownerReferences: [{ uid: 'u1' }] },
      { ownerReferences: [{ uid: 'u2' }] },
      'ownerReferences.u1=absent',
    ],
    ['a quantity of another size', { limits: { cpu: '2' } }, { limits: { cpu: '1' } }, 'limits.cpu="1"'],
  ])('shows %s', (_name, rendered, live, line) => {
    expect(driftOf(rendered, live)).toContain(line);
  });
});
