import { join } from "node:path";
import { Stack, Stage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { buildFunction } from "./build-function.ts";

/** A function's code, bundled when its stack is one of those that are asked for. */
export function bundle(scope: Construct, entry: string): Code {
  // Tests of templates, and `cdk destroy`, need no code.
  if (!Stack.of(scope).bundlingRequired) return Code.fromInline("throw new Error('this code was not bundled')");
  const outdir = join(Stage.of(scope)?.outdir ?? "cdk.out", "bundles", entry.replace(/\.ts$/, ""));
  buildFunction(entry, outdir);
  return Code.fromAsset(outdir);
}
