import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Readable, Writable } from "node:stream";

const STOP_MS = 10_000;

/** A port of this machine that nothing listens on; `wanted` where it is free. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const listening = once(server, "listening");
  server.listen(wanted, "127.0.0.1");
  try {
    await listening;
  } catch (error) {
    if (wanted === 0) throw error;
    return freePort();
  }
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * Its standard input ends when whoever holds the other end is gone, however that ended: then its whole group ends. The program is waited for, also when
 * the group is told to end.
 */
const TIED = `
command -v "$1" >/dev/null || exit 127
trap : TERM
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ cat; trap '' TERM; kill -TERM 0; sleep ${STOP_MS / 1000}; kill -KILL 0; } <&3 >/dev/null 2>&1 &
exec 3<&-
wait "$program"
code=$?
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  code=$?
done
kill -TERM 0
exit "$code"
`;

/** Starts a program that ends when this process does, even by SIGKILL; `endGroup` ends it before. Exit code 126 or 127: it can't be started. */
export function spawnTied(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn("/bin/sh", ["-c", TIED, "sh", program, ...args], {
    ...options,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
}

/** Ends a program that was started `detached`, with all it has started; resolves when it is gone. */
export async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  const group = -child.pid;
  process.kill(group, "SIGTERM");
  const stuck = setTimeout(() => process.kill(group, "SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(stuck);
}

/** Whether a program starts and ends well; `words`: what it said on both outputs. */
export function runs(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<{ readonly ok: boolean; readonly words: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 16 * 1024 * 1024, ...options }, (error, stdout, stderr) =>
      resolve({ ok: error === null, words: `${stdout}${stderr}`.trim() || (error?.message ?? "") }),
    );
  });
}
