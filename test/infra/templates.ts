import { execFile } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Template } from "aws-cdk-lib/assertions";
import { onceIn } from "../helpers/once.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, "node_modules/.cache/trainyard-templates");
/** What templates are made of. */
const SOURCES = ["bin", "lib", "src/contract", "src/store/facts", "test/infra/synthesize.ts", "cdk.json"];
const KEPT_MS = 24 * 3_600_000;

export type Variant = "plain" | "passing" | "given";

/** The folder that `synthesize.ts` has filled; made anew when a source has changed, and shared by all test files. */
export async function assembly(variant: Variant): Promise<string> {
  const hash = createHash("sha256");
  for (const source of [...SOURCES, "package-lock.json"]) addTo(hash, join(ROOT, source));
  const place = join(CACHE, hash.digest("hex").slice(0, 16));
  mkdirSync(CACHE, { recursive: true });
  await onceIn(place, async () => {
    dropOlder();
    await promisify(execFile)(process.execPath, [join(ROOT, "test/infra/synthesize.ts"), place]);
  });
  return join(place, variant);
}

/** Each stack's template by the end of its name: `data` for `trainyard-data`. */
export async function templates(variant: Variant = "plain"): Promise<Readonly<Record<string, Template>>> {
  const folder = await assembly(variant);
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  const files = Object.entries(read("stacks.json") as Record<string, string>);
  return Object.fromEntries(files.map(([name, file]) => [name, Template.fromJSON(read(file))]));
}

/** One stack's template. Throws with the names that there are. */
export async function template(name: string, variant: Variant = "plain"): Promise<Template> {
  const all = await templates(variant);
  const found = all[name];
  if (found === undefined) throw new Error(`there is no stack \`${name}\`; stacks: ${Object.keys(all).join(", ")}`);
  return found;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

export function resourcesOf(of: Template): Readonly<Record<string, Resource>> {
  return (of.toJSON() as { Resources?: Record<string, Resource> }).Resources ?? {};
}

function addTo(hash: Hash, path: string): void {
  const about = statSync(path);
  if (!about.isDirectory()) hash.update(`${path} ${about.mtimeMs} ${about.size}\n`);
  else for (const name of readdirSync(path).sort()) addTo(hash, join(path, name));
}

function dropOlder(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
