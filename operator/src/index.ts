export { readConfig, type OperatorConfig } from './config.ts';
export { runOperator, type RunOptions } from './run-operator.ts';
export { accessAtPodsRules, gatewayApiRules, operatorRules } from './rbac.ts';
