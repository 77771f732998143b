import type { Command } from '../command.ts';
import { completionCommand } from './completion.ts';
import { describeCommand } from './describe/command.ts';
import { getCommand } from './get/command.ts';
import { logsCommand } from './logs/command.ts';
import { predictCommand } from './predict/command.ts';
import { promoteCommand } from './promote/command.ts';
import { rolloutCommand } from './rollout/command.ts';
import { versionCommand } from './version.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  getCommand,
  describeCommand,
  predictCommand,
  logsCommand,
  promoteCommand,
  rolloutCommand,
  versionCommand,
  completionCommand(() => COMMANDS),
];
