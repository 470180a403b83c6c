import { statfsSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { OLDEST_PYTHON } from "../../contract/python-versions.ts";
import type { Io } from "../io.ts";
import { freePort, runs } from "../programs.ts";
import { bad, type Finding, look, ok, warning } from "./finding.ts";

const GB = 1e9;
const LOW_DISK_GB = 5;
const DEFAULT_PORT = 7878;
const PROBE = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/** What a laptop home needs of this machine. `holdsPort`: the home that runs here already has the default port. */
export async function lookAtMachine(io: Io, holdsPort: boolean): Promise<Finding[]> {
  return Promise.all([
    ok("machine", `${cpus().length} cores, ${Math.round(totalmem() / GB)} GB of memory, Node ${process.versions.node}`),
    lookAtPython(io),
    lookAtGit(io),
    look("disk", "", async () => diskFinding(io.cwd)),
    holdsPort ? ok("port", `${DEFAULT_PORT}, held by the home that runs`) : lookAtPort(),
  ]);
}

async function lookAtPython(io: Io): Promise<Finding> {
  const program = io.env.TRAINYARD_JOB_PYTHON || "python3";
  const { ok: runsWell, words } = await runs(program, ["-c", PROBE], { env: { ...io.env } });
  const fix = `install Python ${OLDEST_PYTHON} or later with its \`venv\` module (Debian: \`apt install python3-venv\`), or name one in TRAINYARD_JOB_PYTHON`;
  if (!runsWell) return bad("python", `\`${program}\` can't make environments: ${words.split("\n").at(-1)}`, fix);
  const [major = 0, minor = 0] = words.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_PYTHON.split(".").map(Number);
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return bad("python", `\`${program}\` is ${words}, older than ${OLDEST_PYTHON}`, fix);
  }
  return ok("python", `\`${program}\` ${words}`);
}

async function lookAtGit(io: Io): Promise<Finding> {
  const { ok: isThere, words } = await runs("git", ["--version"], { env: { ...io.env } });
  if (isThere) return ok("git", words.replace(/^git version /, ""));
  return warning("git", "there is no `git`; runs are kept without the state of their working copy", "install git");
}

function diskFinding(folder: string): Finding {
  const { bavail, bsize } = statfsSync(folder);
  const freeGb = Math.floor((bavail * bsize) / GB);
  if (freeGb >= LOW_DISK_GB) return ok("disk", `${freeGb} GB free`);
  return warning(
    "disk",
    `only ${freeGb} GB are free in ${folder}`,
    "free some, or keep the home elsewhere: TRAINYARD_HOME",
  );
}

async function lookAtPort(): Promise<Finding> {
  if ((await freePort(DEFAULT_PORT)) === DEFAULT_PORT) return ok("port", `${DEFAULT_PORT} is free`);
  return warning("port", `${DEFAULT_PORT} is used by another program`, "start with `yard up --port 0`");
}
