import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

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
