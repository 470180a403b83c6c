import type { Rank } from "../distribution.ts";
import { GRAPHICS_QUERY } from "../metrics.ts";

export interface UserScriptOptions {
  readonly volume: string;
  readonly work: string;
  /** As a shell takes it. */
  readonly command: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Processes of this machine. Absent: their number and variables come in a file, when all machines are up. */
  readonly ranks?: readonly Rank[];
  /** Starts all ranks itself, where the image has a program `mpirun`. */
  readonly mpirun?: readonly string[];
  /** Between SIGTERM and SIGKILL. */
  readonly graceSec: number;
}

/**
 * What the user's container runs: the command, once for each rank, with its output in named pipes and its exit codes in files. Needs nothing of the image but
 * a POSIX shell with `sleep` and `mv`. It ends the command's whole process group when `stop` appears or when the container is told to end.
 */
export function makeUserScript(options: UserScriptOptions): string {
  const { volume, ranks, mpirun, variables } = options;
  const strange = Object.entries(variables).filter(([name]) => !isShellName(name));
  // What a shell can't set, `env` can.
  const env = strange.length === 0 ? [] : ["env", ...strange.map(([name, value]) => `${name}=${value}`)];
  const words = env.map(quote).join(" ");
  const withMpirun = `if command -v mpirun >/dev/null 2>&1; then
  _ty_count=1
  (_ty_run 0 ${[...env, ...(mpirun ?? [])].map(quote).join(" ")}) &
  _ty_pids=$!
fi`;
  return `#!/bin/sh
# Runs the job's command: what it writes goes to named pipes, its exit code to a file.
_ty_volume=${quote(volume)}
_ty_command=${quote(options.command)}
_ty_count=0 _ty_pids= _ty_stopping= _ty_gpu=
_ty_shell=/bin/sh
for _ty_found in /bin/bash /usr/bin/bash /usr/local/bin/bash; do
  if [ -x "$_ty_found" ]; then _ty_shell=$_ty_found; break; fi
done
${exportLines(variables)}
_ty_nap() { sleep 0.2 2>/dev/null || sleep 1; }

_ty_on_term() {
  [ -z "$_ty_stopping" ] || return 0
  _ty_stopping=1
  [ ! -e "$_ty_volume/stop" ] || return 0
  : >"$_ty_volume/terminated"
  kill -TERM 0
}
trap _ty_on_term TERM INT

_ty_run() {
  _ty_rank=$1
  shift
  exec >"$_ty_volume/out.$_ty_rank" 2>&1 </dev/null
  trap : TERM INT
  : >"$_ty_volume/started.$_ty_rank"
  "$@" "$_ty_shell" -c "$_ty_command"
  echo $? >"$_ty_volume/exit.$_ty_rank.part"
  mv "$_ty_volume/exit.$_ty_rank.part" "$_ty_volume/exit.$_ty_rank"
}

cd ${quote(options.work)} || exit 126
if command -v nvidia-smi >/dev/null 2>&1; then
  (
    trap 'exit 0' TERM INT
    while nvidia-smi ${GRAPHICS_QUERY.join(" ")} >"$_ty_volume/gpu.part" 2>/dev/null; do
      mv "$_ty_volume/gpu.part" "$_ty_volume/gpu.csv"
      sleep 10
    done
  ) &
  _ty_gpu=$!
fi
(
  trap : TERM INT
  while [ ! -e "$_ty_volume/stop" ]; do _ty_nap; done
  kill -TERM 0
  sleep ${options.graceSec}
  kill -KILL 0
) &
_ty_watcher=$!

${ranks === undefined ? WAIT_FOR_NODES : rankFunctions(ranks)}
${mpirun === undefined ? "" : withMpirun}
if [ -z "$_ty_pids" ]; then
  while [ "$_ty_count" -lt "$_ty_ranks" ]; do
    (
      "_ty_rank_$_ty_count"
      _ty_run "$_ty_count" ${words}
    ) &
    _ty_pids="$_ty_pids $!"
    _ty_count=$((_ty_count + 1))
  done
fi
echo "$_ty_count" >"$_ty_volume/ranks.part"
mv "$_ty_volume/ranks.part" "$_ty_volume/ranks"
for _ty_pid in $_ty_pids; do
  while kill -0 "$_ty_pid" 2>/dev/null; do wait "$_ty_pid"; done
done
kill -KILL "$_ty_watcher" $_ty_gpu 2>/dev/null
[ -e "$_ty_volume/exit.0" ] && read -r _ty_code <"$_ty_volume/exit.0" && exit "$_ty_code"
exit 137
`;
}

const WAIT_FOR_NODES = `while [ ! -e "$_ty_volume/nodes.sh" ]; do
  if [ -n "$_ty_stopping" ] || [ -e "$_ty_volume/stop" ]; then exit 143; fi
  _ty_nap
done
. "$_ty_volume/nodes.sh"`;

/** Functions, one a process, that set what that process is told; the script calls them. */
export function rankFunctions(ranks: readonly Rank[]): string {
  const functions = ranks.map(({ variables }, i) => `_ty_rank_${i}() {\n:\n${exportLines(variables)}\n}`);
  return [`_ty_ranks=${ranks.length}`, ...functions].join("\n");
}

function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .filter(([name]) => isShellName(name))
    .map(([name, value]) => `export ${name}=${quote(value)}`)
    .join("\n");
}

function isShellName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** One word of a shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
