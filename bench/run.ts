import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, measure, report } from "./measure.ts";

/** Of a bench of many paths: for a person, and for bench/results/. */
interface Table {
  readonly text: string;
  readonly json: unknown;
}

/** `npm run bench [-- NAME …]`: every bench, or those named; `--list` names them. Results also go to bench/results/ as JSON. */
const BENCHES: Readonly<Record<string, () => Promise<{ bench: Bench } | { table: () => Promise<Table> }>>> = {
  startup: () => import("./startup.ts"),
  submit: () => import("./submit.ts"),
  snapshot: () => import("./snapshot.ts"),
  memory: () => import("./memory.ts"),
  tracking: () => import("./tracking.ts"),
};

const args = process.argv.slice(2);
if (args.includes("--help") || args.includes("--list")) {
  console.log(`benches: ${Object.keys(BENCHES).join(", ")}`);
  process.exit(0);
}
const names = args.length > 0 ? args : Object.keys(BENCHES);
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  console.error(`error: there is no bench \`${unknown}\`; benches: ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}

const folder = join(dirname(fileURLToPath(import.meta.url)), "results");
mkdirSync(folder, { recursive: true });
for (const name of names) {
  const load = BENCHES[name];
  if (load === undefined) continue;
  process.stderr.write(`${name} …\n`);
  const { text, json } = await resultOf(await load());
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  console.log(`\n${text}`);
}

async function resultOf(loaded: { bench: Bench } | { table: () => Promise<Table> }): Promise<Table> {
  if ("table" in loaded) return loaded.table();
  const result = await measure(loaded.bench);
  return { text: report(result), json: result };
}
