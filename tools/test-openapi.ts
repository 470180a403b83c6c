import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonTool } from "./python-tool.ts";
import { root } from "./vitest.ts";

const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
].join(",");

/**
 * `npm run test:openapi`: schemathesis over the served OpenAPI document of a fresh home. True when no answer is a 500 or breaks the document.
 * Arguments are schemathesis' (`-- --max-examples 100`).
 */
export async function testOpenapi(args: readonly string[] = []): Promise<boolean> {
  const program = pythonTool("schemathesis", "schemathesis>=4.32,<5");
  const folder = mkdtempSync(join(tmpdir(), "trainyard-openapi-"));
  const server = spawn(
    process.execPath,
    [join(root, "dist", "yard.mjs"), "up", "--port", "0", "--data-dir", join(folder, "home")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await new Promise<void>((resolve, reject) => {
      server.stdout.on("data", (chunk) => {
        if (String(chunk).includes("ready")) resolve();
      });
      server.once("exit", (code) => reject(new Error(`the home ended with ${code} before it was ready`)));
    });
    const { url, token } = JSON.parse(readFileSync(join(folder, "home", "server.json"), "utf8")) as {
      url: string;
      token: string;
    };
    const fixed = ["--header", `Authorization: Bearer ${token}`, "--checks", CHECKS];
    const examples = args.includes("--max-examples") ? [] : ["--max-examples", "15"];
    const { status } = spawnSync(program, ["run", `${url}/api/v1/openapi.json`, ...fixed, ...examples, ...args], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    });
    return status === 0;
  } finally {
    if (server.exitCode === null) {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exitCode = (await testOpenapi(process.argv.slice(2))) ? 0 : 1;
