/** Our gateway's data plane as a process, with one route and no API server: `slipway.ts HTTP_PORT GRPC_PORT`. */
import { Registry } from 'prom-client';
import { NO_GATEWAY_TOKENS } from '../../../gateway/src/access/gateway-tokens.ts';
import { startDataPlane } from '../../../gateway/src/data-plane.ts';
import { createLoads } from '../../../gateway/src/proxy/loads.ts';
import { createGatewayMetrics } from '../../../gateway/src/proxy/metrics.ts';
import { createRouteTable } from '../../../gateway/src/routing/route-table.ts';
import { aBackend, aRoute } from '../../../gateway/src/testing/routes.ts';

const [httpPort, grpcPort] = process.argv.slice(2).map(Number);
const table = createRouteTable('cluster.local');
const backend = aBackend('a-1', 100, { at: ['127.0.0.1'], httpPort: httpPort ?? 0, grpcPort: grpcPort ?? 0 });
table.set(aRoute([backend], { hosts: ['localhost'] }));
const { port } = await startDataPlane({
  table,
  metrics: createGatewayMetrics(
    new Registry(),
    createLoads(() => performance.now()),
  ),
  callers: { of: () => undefined },
  gatewayTokens: NO_GATEWAY_TOKENS,
  host: '127.0.0.1',
  port: 0,
  connections: { total: 10_000, perAddress: 10_000 },
  onFault: (cause) => console.error(cause),
});
process.send?.({ port });
process.on('disconnect', () => process.exit(0));
