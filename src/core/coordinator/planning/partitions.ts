import { AppError } from "../../../contract/errors.ts";
import type { ParallelForStep, Partitions, Step } from "../../../contract/pipelines.ts";
import type { Files } from "../../files/ports.ts";
import { check, type Findings } from "../../jobs/problems.ts";
import { boundPath, type Scope } from "./scope.ts";

const LIMIT = 10_000;

/** Loops over partitions as loops over items: those of data that is there as a list, those of a step's output as what that step will tell. */
export async function withItems(
  deps: { readonly files: Files },
  of: { readonly workspace: string; readonly scope: Scope; readonly steps: Readonly<Record<string, Step>> },
  findings: Findings,
): Promise<Record<string, Step>> {
  const made = await Promise.all(
    Object.entries(of.steps).map(async ([name, step]): Promise<[string, Step]> => {
      if (step.type !== "parallel_for" || step.partitions === undefined) return [name, step];
      const items = await check(findings, `jobs.${name}.partitions`, () =>
        itemsOf(deps.files, of, step.partitions as Partitions),
      );
      return [name, { ...step, items: items ?? [] }];
    }),
  );
  return Object.fromEntries(made);
}

async function itemsOf(
  files: Files,
  { workspace, scope }: { readonly workspace: string; readonly scope: Scope },
  partitions: Partitions,
): Promise<NonNullable<ParallelForStep["items"]>> {
  const path = boundPath(partitions.of);
  if (path?.[0] === "jobs" && path[2] === "outputs") return partitions.of;
  const input = path?.[0] === "inputs" ? scope[path.slice(1).join(".")] : undefined;
  if (input !== undefined && "later" in input) return [];
  const uri = path === undefined ? partitions.of : input !== undefined && "path" in input ? input.path : undefined;
  if (uri === undefined || uri.includes("${{")) {
    throw new AppError("InvalidSpec", `\`${partitions.of}\` is no data`, {
      hint: "bind `of` to a data input of the pipeline or to an output of a step",
    });
  }
  return listPartitions(files, workspace, uri, partitions);
}

/** One item for each file, or each folder directly below, of some data; in the order of their names. */
export async function listPartitions(
  files: Files,
  workspace: string,
  uri: string,
  { input, by = "file" }: Partitions,
): Promise<Record<string, unknown>[]> {
  const names = new Set<string>();
  let root = uri;
  let cursor: string | undefined;
  do {
    const page = await files.list(workspace, uri, cursor === undefined ? {} : { cursor });
    root = page.uri.replace(/\/+$/, "");
    for (const { path } of page.files) {
      const name = by === "file" ? path : path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined;
      if (name !== undefined && !/(^|\/)[._]/.test(name) && name !== "MLTable") names.add(name);
    }
    if (names.size > LIMIT) throw new AppError("TooLarge", `\`${uri}\` has more than ${LIMIT} partitions`);
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (names.size === 0) {
    const hint = by === "file" ? {} : { hint: "`by: file` takes each file as a partition" };
    throw new AppError("NotFound", `\`${uri}\` has no ${by}s to make partitions of`, hint);
  }
  const type = by === "file" ? "uri_file" : "uri_folder";
  return [...names].sort().map((name) => ({ [input]: { type, path: `${root}/${name}${by === "file" ? "" : "/"}` } }));
}

/** What an item is called: the name of its partition, else its literal values; undefined where that says nothing. */
export function labelOf(item: string | undefined): string | undefined {
  if (item === undefined) return undefined;
  const value: unknown = JSON.parse(item);
  const parts = (typeof value === "object" && value !== null ? Object.values(value) : [value]).map(wordOf);
  const label = parts
    .filter((part) => part !== undefined)
    .join("-")
    .replaceAll(/[^\w.-]+/g, "_")
    .slice(0, 100);
  return label === "" ? undefined : label;
}

function wordOf(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) {
    if (!("path" in value) || typeof value.path !== "string") return undefined;
    const last = value.path.replace(/\/+$/, "").split("/").at(-1) ?? "";
    return value.path.endsWith("/") ? last : last.replace(/\.[^.]+$/, "");
  }
  return value === null || value === undefined ? undefined : String(value);
}
