/** A cluster in a box is a whole Kubernetes, comes back after any end, and goes without a trace. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  clusterDown,
  clusterLayout,
  clusterUp,
  forwardService,
  kubectl,
  loadImages,
  runningCluster,
} from '../../hack/cluster/index.ts';
import { writeOneFileImage } from '../../hack/cluster/box/one-file-image.ts';
import { leftovers, processesOf } from './leftovers.ts';

const BOX = 'test-box';
const OTHER = 'test-box-other';
const IMAGE = 'docker.io/slipway/probe:1';
let folder: string;
let image: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-box-'));
  image = writeOneFileImage({ program: buildProbe(), reference: IMAGE, archive: join(folder, 'probe.tar') });
  for (const name of [BOX, OTHER]) await clusterDown(name);
  await Promise.all([BOX, OTHER].map((name) => clusterUp({ name, progress: console.error })));
  await Promise.all([BOX, OTHER].map((name) => loadImages(name, [image])));
});

afterAll(async () => {
  for (const name of [BOX, OTHER]) {
    await clusterDown(name);
    rmSync(clusterLayout(name).images, { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
});

function buildProbe(): string {
  const program = join(folder, 'probe');
  const env = { ...process.env, CGO_ENABLED: '0' };
  execFileSync('go', ['build', '-ldflags', '-s -w', '-o', program, '.'], {
    cwd: join(import.meta.dirname, 'probe'),
    env,
  });
  return program;
}

/** Standard output of kubectl. Throws with its own words when it fails. */
async function succeed(cluster: string, args: readonly string[], object?: object): Promise<string> {
  const { code, stdout, stderr } = await kubectl(cluster, args, object === undefined ? '' : JSON.stringify(object));
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const apply = (cluster: string, object: object) => succeed(cluster, ['apply', '-f', '-'], object);

async function eventually(what: string, test: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await test()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`${what}: not so after 30 s`);
  }
}

/** A pod that even the strictest Pod Security level admits. */
function pod(name: string, args: readonly string[], claim?: string): object {
  const mounted = claim !== undefined;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'probe',
          image: IMAGE,
          args,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          ...(mounted ? { volumeMounts: [{ name: 'data', mountPath: '/data' }] } : {}),
        },
      ],
      ...(mounted ? { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] } : {}),
    },
  };
}

function service(selected: string): object {
  const spec = { selector: { app: selected }, ports: [{ port: 80, targetPort: 8080 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec };
}

it('runs two clusters side by side that know nothing of each other', async () => {
  await succeed(BOX, ['create', 'configmap', 'mine']);

  expect(await succeed(BOX, ['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).toBe(BOX);
  expect(await succeed(OTHER, ['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).toBe(OTHER);
  expect((await kubectl(OTHER, ['get', 'configmap', 'mine'])).stderr).toContain('NotFound');
});

it('finds a cluster that runs instead of starting another', async () => {
  const before = runningCluster(BOX);
  const said: string[] = [];
  await clusterUp({ name: BOX, progress: (line) => said.push(line) });

  expect(said).toEqual([`cluster ${BOX} is up already`]);
  expect(runningCluster(BOX)).toEqual(before);
});

it('runs pods, names their Services, and gives logs and exec', async () => {
  await apply(BOX, pod('first', ['serve', 'one']));
  await apply(BOX, pod('second', ['serve', 'two']));
  await apply(BOX, service('first'));
  await succeed(BOX, ['wait', '--for=condition=Ready', 'pod/first', 'pod/second', '--timeout=60s']);

  expect(await succeed(BOX, ['logs', 'first'])).toBe('serving one\n');
  const page = async () => (await kubectl(BOX, ['exec', 'second', '--', '/probe', 'get', 'http://web'])).stdout;
  await eventually('the Service answers by its name', async () => (await page()) === 'one');
  expect(await succeed(BOX, ['exec', 'second', '--', '/probe', 'get', 'http://web.default.svc.cluster.local'])).toBe(
    'one',
  );
});

it('forwards a local port to a Service and follows it to other pods', async () => {
  const forward = await forwardService(BOX, { namespace: 'default', service: 'web', port: 80 });
  // A connection a request: an old one stays with its pod, as it does in every cluster.
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${forward.port}`, { headers: { connection: 'close' } }).catch(
      () => undefined,
    );
    return answer?.text();
  };
  try {
    expect(await ask()).toBe('one');
    await apply(BOX, service('second'));
    await eventually('the port follows', async () => (await ask()) === 'two');
  } finally {
    forward.close();
  }
});

it('says which Service it cannot forward to', async () => {
  await expect(forwardService(BOX, { namespace: 'default', service: 'none', port: 80 })).rejects.toThrow(
    'default/none',
  );
});

it('keeps what a pod writes to a volume, and removes it with the claim', async () => {
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
  await apply(BOX, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: claim });
  await apply(BOX, pod('writer', ['write', '/data/file', 'kept'], 'data'));
  await succeed(BOX, ['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/writer', '--timeout=60s']);
  const { volumes } = clusterLayout(BOX);
  const [volume = ''] = readdirSync(volumes);
  expect(readFileSync(join(volumes, volume, 'file'), 'utf8')).toBe('kept');

  await succeed(BOX, ['delete', 'pod/writer', 'pvc/data', '--timeout=60s']);
  await eventually('the directory is gone', () => !existsSync(join(volumes, volume)));
  expect(await succeed(BOX, ['get', 'pv', '-o', 'name'])).toBe('');
});

it('holds namespaces to their Pod Security level', async () => {
  await succeed(BOX, ['create', 'namespace', 'strict']);
  await succeed(BOX, ['label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted']);
  await apply(BOX, { ...pod('good', ['serve', 'x']), metadata: { name: 'good', namespace: 'strict' } });
  const spec = { containers: [{ name: 'probe', image: IMAGE }] };
  const bad = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bad', namespace: 'strict' }, spec };

  await expect(apply(BOX, bad)).rejects.toThrow('violates PodSecurity "restricted');
});

for (const part of ['box/init.ts', '/kubelet ', 'supervisor.ts']) {
  it(`starts again after a kill -9 of ${part.trim()}, with its images`, async () => {
    const victims = [...processesOf(OTHER)].filter(
      ([, command]) => command.includes(part) && !command.startsWith('unshare'),
    );
    expect(victims).toHaveLength(1);
    for (const [pid] of victims) process.kill(pid, 'SIGKILL');
    await clusterUp({ name: OTHER });

    await apply(OTHER, pod('again', ['write', '/dev/null', 'x']));
    await succeed(OTHER, ['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/again', '--timeout=60s']);
    expect(processesOf(OTHER).keys()).not.toContain(victims[0]?.[0]);
  });
}

it('leaves nothing when it goes down, and the other as it was', async () => {
  expect(await clusterDown(OTHER)).toBe(true);

  expect(leftovers(OTHER)).toEqual([]);
  expect(await clusterDown(OTHER)).toBe(false);
  expect(await succeed(BOX, ['get', 'pod', 'second', '-o', 'jsonpath={.status.phase}'])).toBe('Running');

  await clusterDown(BOX);
  expect(leftovers(BOX)).toEqual([]);
});
