import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { signForAws } from "../../src/cli/sign-in/sigv4.ts";
import { until } from "../helpers/ports.ts";
import { loopbackFetch } from "./loopback-fetch.ts";
import { AWS, startMinistack } from "./ministack.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A home of the real stacks in an emulator, and what stands in its folder is for the CDK tool. */
export interface Place {
  readonly url: string;
  /** The emulator, for clients of AWS. */
  readonly endpoint: string;
  readonly folder: string;
}

export interface Deployment extends Omit<Place, "folder"> {
  /** A token of the home's owner, who is whoever deployed it. */
  readonly token: string;
  /** Runs `cdk` against the emulator; answers what it printed. */
  cdk(...args: readonly string[]): Promise<string>;
  /** Waits until no other test file has the home, and has it no longer given to any: whoever destroys it. */
  takeOver(): Promise<void>;
  cleanup(): Promise<void>;
}

/** A request that is signed as `yard login --iam` signs it, with the key given; default: the account's root. */
export async function askByIam(
  url: string,
  path: string,
  body: object,
  accessKeyId = AWS.credentials.accessKeyId,
): Promise<{ readonly status: number; readonly text: string }> {
  const request = {
    method: "POST",
    url: new URL(path, url),
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const credentials = { ...AWS.credentials, accessKeyId };
  const scope = { credentials, region: AWS.region, service: "execute-api", nowMs: Date.now() };
  const response = await loopbackFetch(request.url, { ...request, headers: signForAws(request, scope) });
  return { status: response.status, text: await response.text() };
}

/** The home that the test files of this run share (shared-home.ts), deployed for the first that asks; a token of its own. */
export async function deploy(): Promise<Deployment> {
  const host = inject("homes");
  const place = (await (await fetch(`${host}/lease`, { method: "POST" })).json()) as Place & {
    readonly error?: string;
  };
  if (place.error !== undefined) throw new Error(place.error);
  const { url, endpoint, folder } = place;
  const { status, text } = await askByIam(url, "/api/v1/sign-in/iam", { name: "test" });
  if (status !== 201) throw new Error(`signing in was answered with ${status}: ${text}`);
  return {
    url,
    endpoint,
    token: (JSON.parse(text) as { token: string }).token,
    cdk: (...args) => runCdk({ endpoint, folder }, args),
    takeOver: () =>
      until(
        async () => (await fetch(`${host}/take-over`, { method: "POST" })).ok,
        "other test files to leave the home",
        10 * 60_000,
      ).then(() => undefined),
    cleanup: async () => void (await fetch(`${host}/lease`, { method: "DELETE" })),
  };
}

/** The real stacks in a fresh emulator, put there by the real CDK tool, and their owner. */
export async function deployHome(): Promise<Place & { readonly cleanup: () => Promise<void> }> {
  const { endpoint, stop } = await startMinistack();
  const folder = mkdtempSync(join(tmpdir(), "trainyard-aws-"));
  const cleanup = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const cdk = (...args: readonly string[]) => runCdk({ endpoint, folder }, args);
  try {
    const outputs = join(folder, "outputs.json");
    await cdk("bootstrap", "aws://000000000000/us-east-1");
    await cdk("deploy", "--all", "--require-approval", "never", "--outputs-file", outputs);
    const told = JSON.parse(readFileSync(outputs, "utf8")) as Record<string, Record<string, string>>;
    const url = told["trainyard-api"]?.Url ?? "";
    const { status, text } = await askByIam(url, "/api/v1/bootstrap", { name: "first", person: "owner" });
    if (status !== 201) throw new Error(`bootstrap was answered with ${status}: ${text}`);
    return { url, endpoint, folder, cleanup };
  } catch (error) {
    await cleanup();
    throw error;
  }
}

function runCdk({ endpoint, folder }: Omit<Place, "url">, args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    // The tool remembers accounts by access key: its memory must be this deployment's own.
    CDK_HOME: join(folder, "cdk"),
    CDK_DISABLE_CLI_TELEMETRY: "true",
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const app = `${process.execPath} ${join(root, "bin/trainyard.ts")}`;
  const tool = join(root, "node_modules/aws-cdk/bin/cdk");
  const always = ["--no-notices", "--ci", "--app", app, "--output", join(folder, "out")];
  return output(process.execPath, [tool, ...args, ...always], env);
}

function output(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let all = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      all += chunk;
    });
    child.stderr.on("data", (chunk) => {
      all += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`\`${args.slice(1, 3).join(" ")}\` ended with ${code}:\n${all}`)),
    );
  });
}
