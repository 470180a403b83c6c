import { AppError } from "../../contract/errors.ts";
import { type Command, command, type Noun } from "../command.ts";
import { text } from "../output/shown.ts";
import { flagWords } from "../parse.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** All of yard's nouns, as `nouns.ts` lists them; handed in, because that file loads this one. */
type Nouns = Readonly<Record<string, { readonly brief: string; readonly load: () => Promise<Noun> }>>;

export const makeCompletion = (nouns: () => Nouns): Noun => ({
  brief: "Completion script for a shell",
  only: command({
    brief: "Completion script: `source <(yard completion bash)`, `yard completion fish | source`",
    args: { brief: "bash, zsh or fish", placeholder: "shell" },
    run: async (_ctx, _flags, [shell]) => {
      const words = await wordsOf(nouns());
      if (shell === "bash") return text(bash(words));
      if (shell === "zsh") return text(`autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`);
      if (shell === "fish") return text(fish(words));
      throw new AppError("InvalidArgument", `\`${shell}\` is not a shell yard knows`, {
        hint: `shells: ${SHELLS.join(", ")}`,
      });
    },
  }),
});

interface Words {
  readonly noun: string;
  readonly brief: string;
  readonly verbs: readonly { readonly verb: string; readonly brief: string; readonly flags: readonly string[] }[];
  /** Flags of a noun that is a command itself. */
  readonly flags: readonly string[];
}

/** Everything yard knows; written into the script, so that completing starts no program. */
async function wordsOf(nouns: Nouns): Promise<Words[]> {
  const all: Words[] = [];
  for (const [name, entry] of Object.entries(nouns)) {
    const noun = await entry.load();
    const verbs = Object.entries<Command>(noun.verbs ?? {}).map(([verb, it]) => ({
      verb,
      brief: it.brief,
      flags: flagWords(it),
    }));
    all.push({ noun: name, brief: entry.brief, verbs, flags: noun.only === undefined ? [] : flagWords(noun.only) });
  }
  return all;
}

function bash(words: readonly Words[]): string {
  const verbs = words
    .filter((it) => it.verbs.length > 0)
    .map((it) => `      ${it.noun}) words="${it.verbs.map(({ verb }) => verb).join(" ")}" ;;`);
  const flags = words.flatMap((it) =>
    it.verbs.length === 0
      ? [`      "${it.noun} "*) words="${it.flags.join(" ")}" ;;`]
      : it.verbs.map(({ verb, flags: own }) => `      "${it.noun} ${verb}") words="${own.join(" ")}" ;;`),
  );
  return `_yard() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${words.map((it) => it.noun).join(" ")}"
  elif [ "$COMP_CWORD" -eq 2 ] && [[ "$current" != -* ]]; then
    case "\${COMP_WORDS[1]}" in
${verbs.join("\n")}
    esac
  elif [[ "$current" == -* ]]; then
    case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${flags.join("\n")}
    esac
  fi
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
}
complete -o default -F _yard yard
`;
}

function fish(words: readonly Words[]): string {
  const quoted = (brief: string) => `'${brief.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = words.flatMap((it) => [
    `complete -c yard -n __fish_use_subcommand -f -a ${it.noun} -d ${quoted(it.brief)}`,
    ...it.flags.map((name) => `complete -c yard -n '__fish_seen_subcommand_from ${it.noun}' -l ${name.slice(2)}`),
    ...it.verbs.flatMap(({ verb, brief, flags }) => [
      `complete -c yard -n '__fish_seen_subcommand_from ${it.noun}; and not __fish_seen_subcommand_from ${it.verbs.map((other) => other.verb).join(" ")}' -f -a ${verb} -d ${quoted(brief)}`,
      ...flags.map(
        (name) =>
          `complete -c yard -n '__fish_seen_subcommand_from ${it.noun}; and __fish_seen_subcommand_from ${verb}' -l ${name.slice(2)}`,
      ),
    ]),
  ]);
  return `${lines.join("\n")}\n`;
}
