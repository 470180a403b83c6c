import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, measure, report } from "./measure.ts";

/** `npm run bench [-- NAME …]`: every bench, or those named; `--list` names them. Results also go to bench/results/ as JSON. */
const BENCHES: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  startup: () => import("./startup.ts"),
  submit: () => import("./submit.ts"),
  snapshot: () => import("./snapshot.ts"),
  memory: () => import("./memory.ts"),
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
  const result = await measure((await load()).bench);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\n${report(result)}`);
}
