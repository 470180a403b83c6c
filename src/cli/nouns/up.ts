import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AppError } from "../../contract/errors.ts";
import { OWN_ENV } from "../../contract/server-env.ts";
import { command, flag, type Noun } from "../command.ts";
import { KeepRunning } from "../keep-running.ts";

/** The server's program: `server.mjs` beside this one's bundle, or the sources of a checkout. */
function serverProgram(): string {
  const here = fileURLToPath(import.meta.url);
  const candidates = here.endsWith(".ts") ? ["../../local/main.ts"] : ["../server.mjs", "./server.mjs"];
  for (const candidate of candidates) {
    const path = join(here, "..", candidate);
    if (existsSync(path)) return path;
  }
  throw new AppError("NotSupported", "this build of yard has no server", { hint: "in a checkout: `npm run build`" });
}

/**
 * Young space grows to its limit under any load and is never given back; 8 MB serve as well as the default. Old space may otherwise grow to four times
 * what is in use before it is collected, and buffers wait for that too; twice costs no processor time that can be measured.
 */
const NODE_FLAGS = ["--max-semi-space-size=8", "--heap-growing-percent=100"];
/** glibc: buffers of whole answers go back to the system when they are freed, and are not kept once for each thread. */
const MALLOC = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "262144",
  MALLOC_TRIM_THRESHOLD_: "1048576",
};

/** Goes on as the server in this very process, as one that was started to hold little memory. Returns where no process can do so. */
function becomeServer(program: string, args: readonly string[]): void {
  if (process.platform === "win32" || typeof process.execve !== "function") return;
  const added = Object.entries(MALLOC).filter(([name]) => process.env[name] === undefined);
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...NODE_FLAGS, program, ...args], {
    ...process.env,
    ...Object.fromEntries(added),
    [OWN_ENV]: added.map(([name]) => name).join(" "),
  });
}

export const up: Noun = {
  brief: "Start the laptop home in the foreground",
  only: command({
    brief: "Start the laptop home; prints one line with its address when it is ready; Ctrl-C stops it, jobs go on",
    flags: {
      port: flag.text("Port on 127.0.0.1; default 7878, 0 takes any free one", { short: "p", placeholder: "port" }),
      dataDir: flag.text("Where everything is kept; default TRAINYARD_HOME, then ./.trainyard", {
        short: "d",
        placeholder: "dir",
      }),
    },
    run: async (_ctx, flags) => {
      const program = serverProgram();
      const args = [
        ...(flags.port === undefined ? [] : ["--port", flags.port]),
        ...(flags.dataDir === undefined ? [] : ["--data-dir", flags.dataDir]),
      ];
      becomeServer(program, args);
      process.argv = [process.execPath, program, ...args];
      // The server has its own way to stop.
      process.removeAllListeners("SIGINT");
      process.removeAllListeners("SIGTERM");
      await import(pathToFileURL(program).href);
      throw new KeepRunning();
    },
  }),
};
