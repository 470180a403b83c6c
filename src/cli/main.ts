// The program `yard`. Help and version are answered before anything else is loaded.
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { TRAINYARD_VERSION } from "../contract/version.ts";
import { rootHelp } from "./nouns.ts";

const argv = process.argv.slice(2);
const first = argv[0];

if (first === undefined || (argv.length === 1 && ["--help", "-h", "help"].includes(first))) {
  process.stdout.write(rootHelp());
} else if (argv.length === 1 && (first === "--version" || first === "-V")) {
  process.stdout.write(`${TRAINYARD_VERSION}\n`);
} else {
  // A folder of the user's own: one in the shared temporary folder could be filled by others.
  const caches = process.env.XDG_CACHE_HOME || (process.env.HOME && join(process.env.HOME, ".cache"));
  if (caches) enableCompileCache(join(caches, "trainyard", "compile"));
  const [{ processIo }, { runCli }] = await Promise.all([import("./io.ts"), import("./run.ts")]);
  const code = await runCli(argv, processIo());
  // Kept connections and watchers are nobody's business any more; output to a pipe is flushed first.
  if (code !== undefined) process.stdout.write("", () => process.exit(code));
}
