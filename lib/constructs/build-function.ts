import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync, type Metafile } from "esbuild";

const LAMBDAS = fileURLToPath(new URL("../../lambdas/", import.meta.url));
const HTTP = join(LAMBDAS, "home/http-module.cjs");

/** CommonJS packages inside an ES module bundle still call `require`. */
const REQUIRE = 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);';

const COMMON: BuildOptions = {
  outExtension: { ".js": ".mjs" },
  format: "esm",
  platform: "node",
  target: "node24",
  minifyWhitespace: true,
  minifyIdentifiers: true,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
};

/**
 * Puts a function's code with all it imports into a folder, the AWS SDK too: what was tested is what runs. What is imported dynamically is a file of its own, loaded when it is needed.
 * CDK's own bundling makes one file, so that each cold start would read every client there is.
 */
export function buildFunction(entry: string, outdir: string): Metafile {
  // Files of an earlier build would travel along.
  rmSync(outdir, { recursive: true, force: true });
  buildSync({
    ...COMMON,
    absWorkingDir: LAMBDAS,
    entryPoints: { index: entry },
    outdir,
    bundle: true,
    splitting: true,
    // Packages' modules rather than their CommonJS: only these can be left out in part.
    mainFields: ["module", "main"],
    // Optional native parts of ssh2; it works without.
    external: ["cpu-features"],
    alias: { http: HTTP, "node:http": HTTP },
    loader: { ".node": "empty" },
    banner: { js: REQUIRE },
  });
  return shorten(outdir);
}

/** NOTE: each file by itself: minifying syntax while splitting, esbuild inlines constants that a namespace object of another file still names. */
function shorten(outdir: string): Metafile {
  const { metafile } = buildSync({
    ...COMMON,
    entryPoints: readdirSync(outdir)
      .filter((file) => file.endsWith(".mjs"))
      .map((file) => join(outdir, file)),
    outdir,
    allowOverwrite: true,
    // What packages could do better was not told when they were bundled, either.
    logLevel: "error",
    minifySyntax: true,
    metafile: true,
  });
  return metafile;
}
