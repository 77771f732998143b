import { describe, expect, it } from 'vitest';
import { parseApiRequest, withNameFromBody } from './api-request.ts';

const empty = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
const revisions = '/apis/apps/v1/namespaces/team/controllerrevisions';
const services = '/apis/slipway.dev/v1alpha1/namespaces/team/inferenceservices';
const service = { group: 'slipway.dev', version: 'v1alpha1', resource: 'inferenceservices', namespace: 'team' };

describe('parseApiRequest', () => {
  it.each<[string, string, string, object]>([
    ['GET', '/api/v1/namespaces/team/pods/a', '', { verb: 'get', version: 'v1', resource: 'pods', name: 'a' }],
    ['GET', '/api/v1/pods?limit=500', '', { verb: 'list', version: 'v1', resource: 'pods', namespace: '' }],
    ['GET', `${services}?watch=true&resourceVersion=7`, '', { verb: 'watch', ...service }],
    ['GET', `${services}?watch=1`, '', { verb: 'watch', ...service }],
    ['GET', `${services}?watch=false`, '', { verb: 'list', ...service }],
    ['POST', revisions, 'application/json', { verb: 'create', group: 'apps', resource: 'controllerrevisions' }],
    ['PUT', `${services}/a`, 'application/json', { verb: 'update', ...service, name: 'a' }],
    ['PATCH', `${services}/a/status`, 'application/apply-patch+yaml', { verb: 'apply', subresource: 'status' }],
    ['PATCH', `${services}/a`, 'application/merge-patch+json', { verb: 'patch', name: 'a' }],
    ['DELETE', `${services}/a`, '', { verb: 'delete', name: 'a' }],
    ['DELETE', services, '', { verb: 'deletecollection', name: '' }],
    ['GET', '/api/v1/namespaces/team', '', { verb: 'get', resource: 'namespaces', name: 'team', namespace: '' }],
    ['PUT', '/api/v1/namespaces/team/finalize', '', { resource: 'namespaces', name: 'team', subresource: 'finalize' }],
    ['GET', '/version', '', { ...empty, verb: 'list' }],
    ['GET', '/apis/slipway.dev/v1alpha1', '', { ...empty, verb: 'list' }],
  ])('%s %s', (method, url, contentType, wanted) => {
    expect(parseApiRequest(method, url, contentType)).toMatchObject(wanted);
  });

  it('tells a pod in a namespace called status from the status of a namespace', () => {
    expect(parseApiRequest('GET', '/api/v1/namespaces/status/pods/a')).toMatchObject({
      namespace: 'status',
      resource: 'pods',
      name: 'a',
    });
  });
});

describe('withNameFromBody', () => {
  const create = parseApiRequest('POST', revisions);

  it('names a create after its body', () => {
    const body = Buffer.from('{"metadata":{"name":"a-1"}}');

    expect(withNameFromBody(create, body).name).toBe('a-1');
  });

  it('names a create that leaves the name to the server after its prefix', () => {
    expect(withNameFromBody(create, Buffer.from('{"metadata":{"generateName":"a-"}}')).name).toBe('a-');
  });

  it('leaves a body that is not JSON alone', () => {
    expect(withNameFromBody(create, Buffer.from('k8s\0…')).name).toBe('');
  });
});
