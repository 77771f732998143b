/** The kinds of the Gateway API in a control plane that has none. */
import { join } from 'node:path';
import { downloadedModule } from '../../../hack/kube/go-build.ts';
import { GATEWAY_API_VERSION } from '../../../hack/kube/versions.ts';
import type { ControlPlane } from '../control-plane.ts';

/** The CustomResourceDefinitions of the standard channel, or one file of them: `gateway.networking.k8s.io_httproutes.yaml`. */
export async function installGatewayApi(plane: ControlPlane, file = ''): Promise<void> {
  const module = await downloadedModule(`sigs.k8s.io/gateway-api@${GATEWAY_API_VERSION}`);
  const path = join(module, 'config', 'crd', 'standard', file);
  await kubectl(plane, ['apply', '--server-side', '-f', path]);
  await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', '-f', path]);
}

/** Rejects with what kubectl says. */
export async function kubectl(plane: ControlPlane, args: readonly string[], stdin?: string): Promise<void> {
  const { code, stderr } = await plane.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}
