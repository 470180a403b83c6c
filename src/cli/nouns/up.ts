import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AppError } from "../../contract/errors.ts";
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
      process.argv = [process.execPath, program, ...args];
      // The server has its own way to stop.
      process.removeAllListeners("SIGINT");
      process.removeAllListeners("SIGTERM");
      await import(pathToFileURL(program).href);
      throw new KeepRunning();
    },
  }),
};
