/** Scripts that let a shell complete commands, flags, kinds and the names of objects. */
import { KIND_WORDS, kindOf, singularWordOf } from '../cluster/kinds.ts';
import type { Command, Flags } from '../command.ts';
import { UsageError } from '../errors.ts';
import { COMMON_FLAGS } from '../help.ts';
import { ROLLOUT_VERBS } from './rollout/command.ts';

/** The commands are asked for only when one of the scripts is written, because this is one of them. */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    usage: 'bash|zsh',
    summary: 'write a script that lets a shell complete what you type',
    examples: [
      'source <(slipway completion bash)          # in this shell',
      `slipway completion zsh > "\${fpath[1]}/_slipway"`,
    ],
    flags: {},
    run: async (args, { terminal }) => {
      const [shell] = args.positionals;
      if (shell !== 'bash' && shell !== 'zsh') {
        const what = shell === undefined ? 'For which shell?' : `There is no completion for "${shell}".`;
        throw new UsageError(what, 'Take bash or zsh: source <(slipway completion bash)');
      }
      const script = bashScript(commands());
      terminal.write(shell === 'bash' ? script : zshScript(script));
      return 0;
    },
  };
}

function bashScript(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const flags = commands.map(
    ({ name, flags: own }) => `    ${name}) flags="${flagWords({ ...own, ...COMMON_FLAGS })}" ;;`,
  );
  const kinds = KIND_WORDS.flatMap((word) => [word, singularWordOf(kindOf(word))]).join(' ');
  return `# slipway completion for bash: source <(slipway completion bash)
_slipway() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" flags=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} help" -- "$word"))
    return
  fi
  case "$command" in
${flags.join('\n')}
  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
    return
  fi
  case "$before" in
    -n|--namespace) COMPREPLY=($(compgen -W "$(kubectl get namespaces -o jsonpath='{.items[*].metadata.name}' 2>/dev/null)" -- "$word")); return ;;
    --context) COMPREPLY=($(compgen -W "$(kubectl config get-contexts -o name 2>/dev/null)" -- "$word")); return ;;
    --into) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --csv|--json|--kubeconfig) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  local kind="\${COMP_WORDS[2]}"
  case "$command" in
    get|describe|logs)
      if [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W "${kinds}" -- "$word"))
        return
      fi ;;
    rollout)
      if [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W "${ROLLOUT_VERBS.join(' ')}" -- "$word"))
        return
      fi
      kind=services
      if [ "$before" = --rollout ]; then kind=rollouts; fi ;;
    predict) kind=services ;;
    promote) kind=versions ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")); return ;;
    *) return ;;
  esac
  COMPREPLY=($(compgen -W "$(slipway get "$kind" -o name $(_slipway_scope) 2>/dev/null)" -- "$word"))
}

# The namespace and the cluster that were named on the line so far.
_slipway_scope() {
  local index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${COMP_WORDS[index]}" in
      -n|--namespace|--context|--kubeconfig) echo "\${COMP_WORDS[index]} \${COMP_WORDS[index+1]}" ;;
    esac
  done
}
complete -F _slipway slipway
`;
}

/** zsh runs scripts for bash when it is asked to. */
function zshScript(bash: string): string {
  return `#compdef slipway
autoload -U +X bashcompinit && bashcompinit
${bash}`;
}

function flagWords(flags: Flags): string {
  return Object.entries(flags)
    .flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
    .join(' ');
}
