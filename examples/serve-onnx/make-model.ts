/**
 * Writes the YAML that carries the example's model: `node examples/serve-onnx/make-model.ts`.
 * The model is a taxi fare: fare = 3.00 + 1.75 per mile + 0.35 per minute, for any number of trips at once.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeOnnxModel } from '../../serving-runtime/src/testing/onnx-model.ts';

const model = encodeOnnxModel({
  inputs: [{ name: 'trip', type: 'FP32', shape: ['n', 2] }],
  outputs: [{ name: 'fare', type: 'FP32', shape: ['n', 1] }],
  nodes: [
    { operator: 'MatMul', inputs: ['trip', 'prices'], outputs: ['by_meter'] },
    { operator: 'Add', inputs: ['by_meter', 'start'], outputs: ['fare'] },
  ],
  constants: [
    { name: 'prices', shape: [2, 1], values: [1.75, 0.35] },
    { name: 'start', shape: [1], values: [3] },
  ],
});

// The digest of an artifact is sha256 over a line "<sha256 of the file>  <size>  <path>" per file.
const line = `${createHash('sha256').update(model).digest('hex')}  ${model.byteLength}  model.onnx\n`;
const digest = `sha256:${createHash('sha256').update(line).digest('hex')}`;

await writeFile(
  join(import.meta.dirname, '2-model-file.yaml'),
  `# Made by make-model.ts: the bytes of model.onnx, and a Job that puts them on the volume. With a model of your own, copy it to the volume
# in any way (as examples/flights does with kubectl cp) and leave this file out.
apiVersion: v1
kind: ConfigMap
metadata:
  name: fare-model
binaryData:
  model.onnx: ${Buffer.from(model).toString('base64')}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: copy-fare-model
spec:
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: copy
          image: slipway/batch-runtime:0.1.0
          args: [fetch, --result-file, /dev/termination-log]
          env:
            - name: SLIPWAY_REQUEST
              value: '{"items": [{"from": "/model/model.onnx", "to": "/stores/default/models/fare"}]}'
          resources:
            requests: { cpu: 50m, memory: 64Mi }
            limits: { memory: 256Mi }
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: model, mountPath: /model/model.onnx, subPath: model.onnx, readOnly: true } # subPath: a file, not a link
            - { name: store, mountPath: /stores/default }
            - { name: scratch, mountPath: /tmp }
      volumes:
        - name: model
          configMap: { name: fare-model }
        - name: store
          persistentVolumeClaim: { claimName: models }
        - name: scratch
          emptyDir: {}
`,
);
await writeFile(
  join(import.meta.dirname, '3-model-version.yaml'),
  `# Made by make-model.ts, which knows the digest. A ModelVersion never changes; another model is another ModelVersion.
apiVersion: slipway.dev/v1alpha1
kind: ModelVersion
metadata:
  name: fare-1
spec:
  number: 1
  artifact:
    path: models/fare/model.onnx
    digest: ${digest}
    format: Onnx
`,
);
console.log(`model.onnx ${model.byteLength} bytes, ${digest}`);
