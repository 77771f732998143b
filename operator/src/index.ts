export { readConfig, type OperatorConfig } from './config.ts';
export { runOperator, type RunOptions } from './run-operator.ts';
export { gatewayApiRules, operatorRules } from './rbac.ts';
