import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, buildSync, type Metafile } from "esbuild";

const LAMBDAS = fileURLToPath(new URL("../../lambdas/", import.meta.url));
const HTTP = join(LAMBDAS, "home/http-module.cjs");

/** CommonJS packages inside an ES module bundle still call `require`, and ssh2 asks for its folder. */
const REQUIRE =
  'import{createRequire as __r}from"node:module";const require=__r(import.meta.url),__dirname=import.meta.dirname;';

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
  const { metafile } = buildSync({
    ...COMMON,
    metafile: true,
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
  });
  mergeStart(outdir, metafile);
  return shorten(outdir);
}

/** Makes one file of all that is read at the start: each module costs most of a millisecond of CPU. Files that are loaded later find the former ones as names for parts of it. */
function mergeStart(outdir: string, { outputs }: Metafile): void {
  const start = new Set(Object.keys(outputs).filter((path) => basename(path) === "index.mjs"));
  for (const path of start) {
    for (const it of outputs[path]?.imports ?? [])
      if (it.kind === "import-statement" && !it.external) start.add(it.path);
  }
  const [, ...parts] = [...start].map((path, part) => ({
    file: basename(path),
    names: (outputs[path]?.exports ?? []).map((name) => ({ name, whole: `${name}_${part}` })),
  }));
  const passOn = parts.map(
    ({ file, names }) => `export { ${names.map(({ name, whole }) => `${name} as ${whole}`)} } from "./${file}";`,
  );
  buildSync({
    ...COMMON,
    stdin: { contents: [`export * from "./index.mjs";`, ...passOn].join("\n"), resolveDir: outdir, loader: "js" },
    outfile: join(outdir, "index.mjs"),
    allowOverwrite: true,
    bundle: true,
    external: [
      "cpu-features",
      ...Object.keys(outputs)
        .filter((path) => !start.has(path))
        .map((path) => `./${basename(path)}`),
    ],
    logLevel: "error",
  });
  for (const { file, names } of parts) {
    const listed = names.map(({ name, whole }) => `${whole} as ${name}`);
    writeFileSync(join(outdir, file), `export { ${listed} } from "./index.mjs";\n`);
  }
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
    banner: { js: REQUIRE },
    metafile: true,
  });
  return metafile;
}
