import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stack, Stage } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { buildSync } from "esbuild";

/** A program of ours as one file, bundled when its stack is one of those that are asked for; answers where it is. */
export function bundleProgram(scope: Construct, entry: string, name: string): string {
  const outfile = join(Stage.of(scope)?.outdir ?? "cdk.out", "bundles", name);
  mkdirSync(join(outfile, ".."), { recursive: true });
  // Tests of templates, and `cdk destroy`, need no code.
  if (Stack.of(scope).bundlingRequired) buildProgram(entry, outfile);
  else writeFileSync(outfile, "throw new Error('this code was not bundled');\n");
  return outfile;
}

/** `entry`: a file below `src/`. */
export function buildProgram(entry: string, outfile: string): void {
  buildSync({
    entryPoints: [fileURLToPath(new URL(`../../src/${entry}`, import.meta.url))],
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
  });
}
