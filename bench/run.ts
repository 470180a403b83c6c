import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Bench, measure, report } from "./measure.ts";

/** Of a bench of many rows: for a person, and for bench/results/. */
interface Table {
  readonly text: string;
  readonly json: unknown;
}

type Loaded =
  | { readonly bench: Bench }
  | { readonly rowIds: readonly string[]; table(only?: readonly string[]): Promise<Table> };

const BENCHES: Readonly<Record<string, () => Promise<Loaded>>> = {
  startup: () => import("./startup.ts"),
  submit: () => import("./submit.ts"),
  snapshot: () => import("./snapshot.ts"),
  memory: () => import("./memory.ts"),
  tracking: () => import("./tracking.ts"),
  "load-shape": () => import("./load-shape.ts"),
  lambda: () => import("./lambda.ts"),
  steps: () => import("./steps.ts"),
  sweeps: () => import("./sweeps.ts"),
};

const USAGE = `npm run bench [-- NAME … [--rows ID,ID] [--output text|json]]   benches: ${Object.keys(BENCHES).join(", ")}`;

function refuse(message: string): never {
  console.error(`error: ${message}\n${USAGE}`);
  process.exit(2);
}

function readArgs() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean" },
        list: { type: "boolean" },
        rows: { type: "string" },
        output: { type: "string", default: "text" },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = readArgs();
if (values.help || values.list) {
  console.log(USAGE);
  process.exit(0);
}
if (!["text", "json"].includes(values.output)) refuse(`there is no output \`${values.output}\`; it is text or json`);
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) refuse(`there is no bench \`${unknown}\``);

// Servers that are measured end with the bench, however it ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const folder = join(dirname(fileURLToPath(import.meta.url)), "results");
mkdirSync(folder, { recursive: true });
for (const name of names) {
  const load = BENCHES[name];
  if (load === undefined) continue;
  process.stderr.write(`${name} …\n`);
  const { text, json } = await resultOf(name, await load());
  const written = JSON.stringify(json, null, 2);
  writeFileSync(join(folder, `${name}.json`), `${written}\n`);
  console.log(values.output === "json" ? written : `\n${text}`);
}

async function resultOf(name: string, loaded: Loaded): Promise<Table> {
  const rows = values.rows?.split(",");
  if ("table" in loaded) {
    const other = rows?.find((id) => !loaded.rowIds.includes(id));
    if (other !== undefined) refuse(`\`${name}\` has no row \`${other}\`; rows: ${loaded.rowIds.join(", ")}`);
    return loaded.table(rows);
  }
  if (rows !== undefined) refuse(`\`${name}\` has no rows to choose from`);
  const result = await measure(loaded.bench);
  return { text: report(result), json: result };
}
