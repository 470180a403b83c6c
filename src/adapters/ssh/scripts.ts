import { quoted } from "./connection.ts";

/** Marks the runner of one attempt in the machine's process table, with its folder; what its command starts carries the other. */
const RUNNER_MARKER = "TRAINYARD_RUNNER";
const ATTEMPT_MARKER = "TRAINYARD_FOLDER";

/** Makes the folder and tells what is there: `folder PATH`, `node PATH VERSION`, `python PATH`. */
export function prepareScript(folder: string, node: string | undefined): string {
  const wanted = folder.startsWith("~/") ? `"$HOME"/${quoted(folder.slice(2))}` : quoted(folder);
  return `
umask 077
mkdir -p ${wanted}/runs ${wanted}/bin && cd ${wanted} || exit 1
echo "folder $(pwd -P)"
node=${node === undefined ? '"$(command -v node || true)"' : quoted(node)}
if [ -n "$node" ] && [ -x "$node" ]; then echo "node $node $("$node" --version)"; fi
echo "python $(command -v python3 || true)"
`;
}

/** Starts the runner of an attempt, once: not where one is or was at work. The request comes on stdin. */
export function launchScript(run: string, node: string, program: string): string {
  const marker = `${RUNNER_MARKER}=${run}`;
  return `
umask 077
mkdir -p ${quoted(run)} && cd ${quoted(run)} || exit 1
[ -e runner.json ] && exit 0
if [ -n "$(${findMarked(marker)})" ]; then exit 0; fi
cat > request.json
if command -v setsid >/dev/null 2>&1; then start=setsid; else start=nohup; fi
${RUNNER_MARKER}=${quoted(run)} $start ${quoted(node)} ${quoted(program)} < request.json > runner.log 2>&1 &
echo "{\\"pid\\":$!}" > launch.json
`;
}

/** One line a file: its name and content; then the runner's line of the process table. */
export function inspectScript(run: string): string {
  return `
cd ${quoted(run)} 2>/dev/null || exit 0
for file in runner.json launch.json final.json; do
  if [ -f $file ]; then echo "$file $(cat $file)"; fi
done
for file in runner.json launch.json; do
  if [ -f $file ]; then pid=$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' $file); break; fi
done
if [ -n "$pid" ]; then
  if [ -r /proc/$pid/stat ]; then echo "stat $(cat /proc/$pid/stat)"
  elif [ ! -d /proc/self ] && kill -0 "$pid" 2>/dev/null; then echo "alive $pid"; fi
fi
if [ ! -f runner.json ] && [ -n "$(${findMarked(`${RUNNER_MARKER}=${run}`)})" ]; then echo "starting"; fi
if [ -f runner.log ]; then echo "log $(tail -c 1000 runner.log | tr '\\n' ' ')"; fi
exit 0
`;
}

/** Asks the runner and everything its command started to end; what is left after the grace period is killed. */
export function cancelScript(run: string, graceSec: number): string {
  const all = `$(sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p' runner.json 2>/dev/null) $(${findMarked(`${RUNNER_MARKER}=${run}`)}) $(${findMarked(`${ATTEMPT_MARKER}=${run}`)})`;
  const end = (signal: string): string => `for pid in ${all}; do kill -${signal} $pid 2>/dev/null; done`;
  return `
cd ${quoted(run)} 2>/dev/null || exit 0
${end("TERM")}
( sleep ${graceSec}; ${end("KILL")} ) >/dev/null 2>&1 </dev/null &
exit 0
`;
}

/** Kills what a runner that died left of its command, and removes the attempt's folder. */
export function cleanupScript(run: string): string {
  return `
for pid in $(${findMarked(`${ATTEMPT_MARKER}=${run}`)}); do kill -KILL $pid 2>/dev/null; done
rm -rf ${quoted(run)}
`;
}

/** Ids of processes whose environment holds the words. */
function findMarked(words: string): string {
  return `grep -lzsx -- ${quoted(words)} /proc/[0-9]*/environ 2>/dev/null | sed 's,/proc/\\([0-9]*\\)/environ,\\1,'`;
}
