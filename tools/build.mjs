// Bundles the four programs of a laptop home into dist/: yard (CLI), server, runner, serving.
// Plain JavaScript: it runs before anything is built, on whatever Node started it.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PARALLEL = join(root, "python", "parallel");
const ENTRIES = {
  yard: "src/cli/main.ts",
  server: "src/local/main.ts",
  runner: "src/runner/main.ts",
  serving: "src/serving/main.ts",
};

/** Bundles with what they need; CommonJS packages inside get a `require`. */
export async function build({ only } = {}) {
  const { build: esbuild } = await import("esbuild");
  const names = (only ?? Object.keys(ENTRIES)).filter((name) => exists(join(root, ENTRIES[name])));
  for (const name of names) rmSync(join(root, "dist", name), { recursive: true, force: true });
  const results = await Promise.all(
    names.map((name) =>
      esbuild({
        absWorkingDir: root,
        entryPoints: [ENTRIES[name]],
        outdir: join("dist", name),
        entryNames: "main",
        chunkNames: "[name]-[hash]",
        outExtension: { ".js": ".mjs" },
        bundle: true,
        splitting: true,
        format: "esm",
        platform: "node",
        target: "node24",
        // NOTE: not minifySyntax: with splitting, esbuild inlines constants that a namespace object still names.
        minifyWhitespace: true,
        sourcemap: "linked",
        sourcesContent: false,
        legalComments: "linked",
        // Optional native parts of ssh2; it works without.
        external: ["cpu-features", "*.node"],
        banner: {
          js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
        },
        metafile: true,
        logLevel: "warning",
        define: name === "runner" ? { PARALLEL_FILES: JSON.stringify(parallelFiles()) } : {},
      }),
    ),
  );
  for (const [i, name] of names.entries()) {
    writeFileSync(join(root, "dist", `${name}.mjs`), `import "./${name}/main.mjs";\n`);
    writeFileSync(join(root, "dist", name, "meta.json"), JSON.stringify(results[i].metafile));
  }
  writeFileSync(join(root, "dist", "stamp"), String(newestSource()));
}

/** What of Python the runner carries with it, by path. */
function parallelFiles() {
  const names = readdirSync(PARALLEL, { recursive: true }).filter((name) => name.endsWith(".py"));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(PARALLEL, name), "utf8")]));
}

/** True when a source is newer than the last build. */
export function isStale() {
  try {
    return newestSource() > statSync(join(root, "dist", "stamp")).mtimeMs;
  } catch {
    return true;
  }
}

function newestSource() {
  let newest = 0;
  const entries = [join(root, "src"), PARALLEL].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }),
  );
  for (const entry of entries) {
    if (!entry.isFile() || !/\.(ts|py)$/.test(entry.name)) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return Math.max(newest, statSync(fileURLToPath(import.meta.url)).mtimeMs);
}

function exists(path) {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
