import { execFile } from "node:child_process";
import { createSecretKey, hkdfSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildFunction } from "../lib/constructs/build-function.ts";
import { openSigner } from "../src/adapters/aws/signer.ts";
import { signUserToken } from "../src/core/auth/tokens.ts";
import { openEmptyAws } from "../test/helpers/empty-aws.ts";
import { bundleBytes, startBytes } from "../test/helpers/start-bytes.ts";
import { median } from "./measure.ts";

const CHILD = fileURLToPath(new URL("lambda-child.ts", import.meta.url));
const ROUNDS = 9;
const SECRET = "x".repeat(64);

interface Cpu {
  readonly initMs: number;
  readonly firstMs: number;
  readonly routedMs: number;
  readonly knownMs: number;
}

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: number;
}

export const rowIds: readonly string[] = ["api"];

/** The API's function as it is deployed: its size, and the CPU of its start and of a request, in fresh processes without a network. */
export async function table(): Promise<{ text: string; json: unknown }> {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-lambda-"));
  const aws = await openEmptyAws({ SecretString: SECRET });
  try {
    buildFunction("api.ts", folder);
    const token = await tokenOf();
    const rounds: Cpu[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await measureOnce(folder, token, aws.url));
    const of = (key: keyof Cpu) => median(rounds.map((round) => round[key]));
    const rows: readonly Row[] = [
      { what: "files read at the start", value: startBytes(folder) / 1024, unit: "KB", limit: 600 },
      { what: "all files", value: bundleBytes(folder) / 1024, unit: "KB" },
      { what: "initialization", value: of("initMs"), unit: "ms CPU", limit: 120 },
      { what: "first request of all, which makes the home's workspace", value: of("firstMs"), unit: "ms CPU" },
      { what: "a warm request: routing and framing", value: of("routedMs"), unit: "ms CPU", limit: 1 },
      { what: "a warm request with a token", value: of("knownMs"), unit: "ms CPU", limit: 1 },
    ];
    return { text: textOf(rows), json: { rows, rounds } };
  } finally {
    aws.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As the function's own signer makes it of the same secret. */
function tokenOf(): Promise<string> {
  const derive = async (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync("sha256", SECRET, "trainyard", purpose, 32)));
  return signUserToken(openSigner({ homeKey: { derive } }), { name: "bench", roles: { "*": "owner" }, id: "bench" });
}

async function measureOnce(folder: string, token: string, url: string): Promise<Cpu> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, join(folder, "index.mjs"), token], {
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env.PATH,
      STAGE: "bench",
      TABLE_NAME: "table",
      BUCKET_NAME: "bucket",
      VAULT_KEY_ARN: "key",
      API_URL: "https://api.example.test",
      QUEUE_URL: `${url}/queue`,
      AWS_ENDPOINT_URL: url,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "x",
    },
  });
  // Each request has logged a line, as it does when deployed.
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Cpu;
}

function textOf(rows: readonly Row[]): string {
  const lines = rows.map(({ what, value, unit, limit }) => {
    const judged = limit === undefined ? "" : `   limit ${limit}: ${value <= limit ? "met" : "NOT MET"}`;
    return `  ${what.padEnd(55)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit}${judged}`;
  });
  return [
    `lambda (the API's function; median of ${ROUNDS} fresh processes, Node ${process.versions.node})`,
    ...lines,
  ].join("\n");
}
