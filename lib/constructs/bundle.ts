import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stack, Stage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { buildSync } from "esbuild";

const LAMBDAS = fileURLToPath(new URL("../../lambdas/", import.meta.url));

/** CommonJS packages inside an ES module bundle still call `require`. */
const REQUIRE = 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);';

/**
 * A function's code with all it imports, the AWS SDK too: what was tested is what runs. What is imported dynamically is a file of its own, loaded when it is needed.
 * CDK's own bundling makes one file, so that each cold start would read every client there is.
 */
export function bundle(scope: Construct, entry: string): Code {
  // Tests of templates, and `cdk destroy`, need no code.
  if (!Stack.of(scope).bundlingRequired) return Code.fromInline("throw new Error('this code was not bundled')");
  const outdir = join(Stage.of(scope)?.outdir ?? "cdk.out", "bundles", entry.replace(/\.ts$/, ""));
  // Files of an earlier build would travel along.
  rmSync(outdir, { recursive: true, force: true });
  buildSync({
    absWorkingDir: LAMBDAS,
    entryPoints: { index: entry },
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages' modules rather than their CommonJS: only these can be left out in part.
    mainFields: ["module", "main"],
    // NOTE: not minifySyntax: with splitting, esbuild inlines constants that a namespace object still names.
    minifyWhitespace: true,
    minifyIdentifiers: true,
    keepNames: true,
    sourcemap: "linked",
    sourcesContent: false,
    // Optional native parts of ssh2; it works without.
    external: ["cpu-features"],
    loader: { ".node": "empty" },
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  return Code.fromAsset(outdir);
}
