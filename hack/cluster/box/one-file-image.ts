import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Writes an image that holds one static program, which is also what it runs, as an OCI archive
 * (https://github.com/opencontainers/image-spec/blob/main/image-layout.md), and returns the path of that.
 */
export function writeOneFileImage({
  program,
  reference,
  archive,
}: {
  readonly program: string;
  readonly reference: string;
  readonly archive: string;
}): string {
  const tree = mkdtempSync(`${archive}.tree-`);
  try {
    writeLayout(tree, program, reference);
    execFileSync('tar', ['-C', tree, '-cf', archive, 'blobs', 'index.json', 'oci-layout']);
    return archive;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function writeLayout(tree: string, program: string, reference: string): void {
  const blobs = join(tree, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const blob = (bytes: Buffer, mediaType: string) => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const layerFile = join(tree, 'layer.tar');
  execFileSync('tar', ['-C', dirname(program), '-cf', layerFile, basename(program)]);
  const layer = blob(readFileSync(layerFile), 'application/vnd.oci.image.layer.v1.tar');
  const rootfs = { type: 'layers', diff_ids: [layer.digest] };
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const config = blob(
    json({ architecture, os: 'linux', config: { Entrypoint: [`/${basename(program)}`] }, rootfs }),
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = blob(
    json({ schemaVersion: 2, config, layers: [layer] }),
    'application/vnd.oci.image.manifest.v1+json',
  );
  const annotations = { 'io.containerd.image.name': reference };
  writeFileSync(join(tree, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFileSync(join(tree, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
