import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { FileReader } from "../src/spec/paths.ts";
import { type FileReport, validateFile } from "../src/spec/validate.ts";
import { type RunCase, runJobCases } from "./cases-run.ts";

/** One entry of `manifest.json`. */
interface Case {
  path: string;
  kind: string;
  base_kind?: string;
  level: "parse" | "run";
  expected: {
    accept: boolean;
    /** Where an invalid case is wrong: a field path, or `line N`. */
    locate?: string;
    resolve?: Partial<
      Record<"name", string> & Record<"inputs" | "outputs" | "steps" | "search_space" | "refs" | "uris", string[]>
    >;
  };
}

const LISTS = ["inputs", "outputs", "steps", "search_space", "refs", "uris"] as const;

function diskReader(): FileReader {
  const kindOf = (path: string) => statSync(path, { throwIfNoEntry: false });
  return {
    readText(path) {
      try {
        return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
      } catch {
        return undefined;
      }
    },
    stat(path) {
      const found = kindOf(path);
      return found === undefined ? "absent" : found.isDirectory() ? "dir" : "file";
    },
    sizeBytes: (path) => kindOf(path)?.size,
    absolute: (path) => (isAbsolute(path) ? path : resolve(path)),
  };
}

/** What does not match, in words; empty when the case passes. */
function judge(entry: Case, report: FileReport): string[] {
  const wrong: string[] = [];
  if (report.valid !== entry.expected.accept) {
    const first = report.errors[0];
    const why =
      first === undefined ? "" : `: ${first.file}:${first.line}:${first.column} ${first.field}: ${first.message}`;
    wrong.push(`${report.valid ? "accepted" : "refused"}${why}`);
  }
  const { locate } = entry.expected;
  if (locate !== undefined && !report.errors.some((error) => locatedAt(error, locate))) {
    wrong.push(
      `no error at \`${locate}\`, but at ${report.errors.map((error) => `\`${error.field}\` line ${error.line}`).join(", ") || "nothing"}`,
    );
  }
  const expected = entry.expected.resolve;
  if (!expected) return wrong;
  if (expected.name !== undefined && expected.name !== report.name)
    wrong.push(`name is \`${report.name}\`, not \`${expected.name}\``);
  for (const list of LISTS) {
    const wanted = [...(expected[list] ?? [])].sort();
    const given = [...report[list]].sort();
    if (wanted.join("\n") === given.join("\n")) continue;
    const missing = wanted.filter((word) => !given.includes(word));
    const extra = given.filter((word) => !wanted.includes(word));
    wrong.push(`${list}: missing ${JSON.stringify(missing)}, extra ${JSON.stringify(extra)}`);
  }
  return wrong;
}

function locatedAt(error: { field: string; line: number }, locate: string): boolean {
  const line = /^line (\d+)$/.exec(locate);
  if (line) return error.line === Number(line[1]);
  return (
    error.field === locate ||
    error.field.endsWith(`.${locate}`) ||
    error.field.startsWith(`${locate}.`) ||
    error.field.startsWith(`${locate}[`)
  );
}

function runParseCases(dir: string, print: (line: string) => void): { passed: number; failed: number } {
  const cases = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8")) as Case[];
  const reader = diskReader();
  const counts = new Map<string, { passed: number; failed: number }>();
  const total = { passed: 0, failed: 0 };
  for (const entry of cases) {
    const report = validateFile(reader, join(dir, entry.path), { kind: entry.base_kind ?? entry.kind });
    const wrong = judge(entry, report);
    const outcome = wrong.length === 0 ? "passed" : "failed";
    const count = counts.get(entry.kind) ?? { passed: 0, failed: 0 };
    count[outcome]++;
    counts.set(entry.kind, count);
    total[outcome]++;
    if (wrong.length > 0) print(`FAIL ${entry.path} (${entry.kind})\n     ${wrong.join("\n     ")}`);
  }
  for (const [kind, count] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    print(`${kind.padEnd(28)} ${String(count.passed).padStart(4)} passed ${String(count.failed).padStart(4)} failed`);
  }
  return total;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { level: { type: "string", default: "all" }, help: { type: "boolean" } },
  });
  const [dir] = positionals;
  if (values.help || dir === undefined || !["parse", "run", "all"].includes(values.level)) {
    console.error(
      "usage: npm run cases -- DIR [--level parse|run|all]    DIR has manifest.json and the files it names",
    );
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const folder = resolve(dir);
  let failed = 0;
  if (values.level !== "run") {
    const total = runParseCases(folder, console.log);
    console.log(`parse: ${total.passed} passed, ${total.failed} failed`);
    failed += total.failed;
  }
  if (values.level !== "parse") {
    const cases = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as RunCase[];
    const total = await runJobCases(folder, cases, console.log);
    console.log(`run: ${total.passed} passed, ${total.failed} failed, ${total.notRun} of other kinds not run`);
    failed += total.failed;
  }
  if (failed > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
