import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `npm run test:openapi`: schemathesis over the served OpenAPI document of a fresh home. Exit code 0 when no answer is a 500 or breaks the document.
 * Arguments are schemathesis' (`-- --max-examples 100`).
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const venv = join(root, "node_modules", ".cache", "schemathesis-4");
const program = join(venv, "bin", "schemathesis");
if (!existsSync(program)) {
  console.error("installing schemathesis …");
  mkdirSync(dirname(venv), { recursive: true });
  for (const [command, args] of [
    ["python3", ["-m", "venv", venv]],
    [join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", "schemathesis>=4.32,<5"]],
  ] as const) {
    if (spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] }).status !== 0) process.exit(1);
  }
}

const folder = mkdtempSync(join(tmpdir(), "trainyard-openapi-"));
const server = spawn(
  process.execPath,
  [join(root, "dist", "yard.mjs"), "up", "--port", "0", "--data-dir", join(folder, "home")],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
await new Promise<void>((resolve, reject) => {
  server.stdout.on("data", (chunk) => String(chunk).includes("ready") && resolve());
  server.once("exit", (code) => reject(new Error(`the home ended with ${code} before it was ready`)));
});
const { url, token } = JSON.parse(readFileSync(join(folder, "home", "server.json"), "utf8")) as {
  url: string;
  token: string;
};
const checks =
  "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";
const extra = process.argv.slice(2);
const { status } = spawnSync(
  program,
  [
    "run",
    `${url}/api/v1/openapi.json`,
    "--header",
    `Authorization: Bearer ${token}`,
    "--checks",
    checks,
    ...(extra.includes("--max-examples") ? [] : ["--max-examples", "15"]),
    ...extra,
  ],
  { cwd: folder, stdio: "inherit" },
);
const ended = new Promise((resolve) => server.once("exit", resolve));
server.kill("SIGTERM");
await ended;
rmSync(folder, { recursive: true, force: true });
process.exitCode = status ?? 1;
