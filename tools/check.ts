import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One gate: a command that must succeed, or a function over its output. */
interface Gate {
  readonly name: string;
  readonly command: readonly string[];
  /** A sentence when the gate does not hold although the command ran; default: exit code 0. */
  readonly judge?: (result: Ended) => string | undefined;
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => join(root, "node_modules", ".bin", name);

const GATES: readonly Gate[] = [
  { name: "types", command: [bin("tsc"), "-p", "tsconfig.json"] },
  { name: "types of src (exact optional properties)", command: [bin("tsc"), "-p", "src/tsconfig.json"] },
  { name: "lint", command: [bin("biome"), "ci", "--colors=off", "--max-diagnostics=30", "."] },
  {
    name: "boundaries",
    command: [bin("depcruise"), "--config", ".dependency-cruiser.cjs", "src", "lambdas", "lib", "bin"],
    judge: sawModules,
  },
  {
    name: "boundaries: the canary is caught",
    command: [bin("depcruise"), "--config", ".dependency-cruiser.cjs", "tools/canary"],
    judge: ({ code, output }) =>
      code !== 0 && output.includes("pure-floors-have-no-node") && output.includes("core-imports")
        ? undefined
        : "the forbidden imports in tools/canary were not found: the boundary check is blind",
  },
  { name: "dead code", command: [bin("knip"), "--no-progress", "--no-config-hints"] },
];

/** depcruise answers "no violations" also when it could read nothing. */
function sawModules({ code, output }: Ended): string | undefined {
  if (code !== 0) return "an import crosses a floor the wrong way";
  const modules = /\((\d+) modules/.exec(output);
  return Number(modules?.[1] ?? 0) > 50 ? undefined : "dependency-cruiser read almost no modules";
}

function run(command: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const [file = "", ...args] = command;
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 127, output: String(error) }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Runs every gate and tells of each; answers how many held and how many did not. */
export async function check(): Promise<{ passed: number; failed: number }> {
  const count = { passed: 0, failed: 0 };
  for (const gate of GATES) {
    const started = performance.now();
    const ended = await run(gate.command);
    const fault =
      gate.judge === undefined ? (ended.code === 0 ? undefined : `exit code ${ended.code}`) : gate.judge(ended);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (fault === undefined) {
      count.passed++;
      console.log(`  ok    ${gate.name} (${seconds} s)`);
    } else {
      count.failed++;
      console.log(`${ended.output.trimEnd()}\n  FAIL  ${gate.name} (${seconds} s): ${fault}`);
    }
  }
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { failed } = await check();
  process.exitCode = failed === 0 ? 0 : 1;
}
