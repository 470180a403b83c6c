import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** `npm run test:aws`: what needs an AWS account, against the emulator, which is installed on first use. Arguments are vitest's. */
const VERSION = "1.5.33";
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const venv = join(root, "node_modules", ".cache", `ministack-${VERSION}`);
const program = join(venv, "bin", "ministack");

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  console.error(`error: \`${command} ${args.join(" ")}\` failed${error === undefined ? "" : `: ${error.message}`}`);
  process.exit(1);
}

if (!existsSync(program)) {
  console.error(`installing the AWS emulator (ministack ${VERSION}) …`);
  mkdirSync(dirname(venv), { recursive: true });
  run("python3", ["-m", "venv", venv]);
  run(join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", `ministack==${VERSION}`]);
}

const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.aws.config.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit", env: { ...process.env, MINISTACK: program } },
);
process.exitCode = status ?? 1;
