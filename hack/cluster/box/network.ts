/** The network of a box: one node address on a bridge, and pods behind a bridge of their own that CNI makes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_ADDRESS, NODE_NETWORK_PREFIX, POD_NETWORK, SERVICE_NETWORK } from '../layout.ts';

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

export function createNetwork(): void {
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'node0', 'type', 'bridge');
  ip('address', 'add', `${NODE_ADDRESS}/${NODE_NETWORK_PREFIX}`, 'dev', 'node0');
  ip('link', 'set', 'node0', 'up');
  // Without a route to it the node itself could not send to a Service, and kube-proxy's rules would never see the packet.
  ip('route', 'add', SERVICE_NETWORK, 'dev', 'node0');
  // kubelet and the API server look at the default route to learn which address is theirs.
  ip('route', 'add', 'default', 'dev', 'node0');
  setKernelParameter('net/ipv4/ip_forward', '1');
  setKernelParameter('net/bridge/bridge-nf-call-iptables', '1');
  setKernelParameter('net/ipv4/conf/all/route_localnet', '1');
}

function setKernelParameter(name: string, value: string): void {
  const path = join('/proc/sys', name);
  if (existsSync(path)) writeFileSync(path, value);
}

/** Writes CNI's configuration; `addresses` holds what is given out, inside the box, since CNI's own default is the machine's. */
export function writeCniConfig(folder: string, addresses: string): void {
  mkdirSync(folder, { recursive: true });
  mkdirSync(addresses, { recursive: true });
  const ipam = {
    type: 'host-local',
    dataDir: addresses,
    ranges: [[{ subnet: POD_NETWORK }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: true, hairpinMode: true, ipam };
  const plugins = [bridge, { type: 'portmap', capabilities: { portMappings: true } }, { type: 'firewall' }];
  writeFileSync(join(folder, '10-slipway.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: 'slipway', plugins }));
}
