import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stack, Stage } from "aws-cdk-lib";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { buildSync } from "esbuild";
import type { HomeFunction } from "./home-function.ts";

const ENTRY = fileURLToPath(new URL("../../src/runner/main.ts", import.meta.url));
/** What of Python the runner carries with it. */
const PARALLEL = fileURLToPath(new URL("../../python/parallel", import.meta.url));

/** The runner as one file in the deployment's bucket: machines fetch it by a signed address, so that no image has to hold it. */
export class RunnerProgram extends Construct {
  private readonly asset: Asset;
  private readonly sha256: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const file = join(Stage.of(this)?.outdir ?? "cdk.out", "bundles", "runner.mjs");
    mkdirSync(join(file, ".."), { recursive: true });
    // Tests of templates, and `cdk destroy`, need no code.
    if (Stack.of(this).bundlingRequired) bundleRunner(file);
    else writeFileSync(file, "throw new Error('this code was not bundled');\n");
    this.sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    this.asset = new Asset(this, "File", { path: file });
  }

  /** Signs addresses of it. */
  grantHandOut(fn: HomeFunction): void {
    const { s3BucketName: bucket, s3ObjectKey: key } = this.asset;
    const place = { bucket, key, sha256: this.sha256 };
    fn.handler.addEnvironment("RUNNER", Stack.of(fn).toJsonString(place));
    fn.allow("s3", ["GetObject"], [this.asset.bucket.arnForObjects(key)]);
  }
}

function bundleRunner(outfile: string): void {
  buildSync({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    minifyWhitespace: true,
    keepNames: true,
    banner: { js: 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);' },
    logLevel: "warning",
    define: { PARALLEL_FILES: JSON.stringify(parallelFiles()) },
  });
}

function parallelFiles(): Record<string, string> {
  const names = readdirSync(PARALLEL, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".py"));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(PARALLEL, name), "utf8")]));
}
