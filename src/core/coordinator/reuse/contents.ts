import { isAppError } from "../../../contract/errors.ts";
import type { OutputContents } from "../../../contract/runner.ts";
import type { Files, FoundFile } from "../../files/ports.ts";
import { digestOf } from "../../jobs/digest.ts";
import type { JobStore } from "../../jobs/ports.ts";
import type { JobRecord, PlannedInput } from "../../jobs/record.ts";
import type { Contents } from "./step-key.ts";

export interface ContentsDeps {
  readonly files: Files;
  readonly jobs: Pick<JobStore, "get">;
}

/** More files than these are not listed to be told apart. */
const FILES_LIMIT = 100_000;

/** What is inside all data inputs; or which of them can't be told apart from another of the same name, and why. */
export async function contentsOf(
  deps: ContentsDeps,
  workspace: string,
  inputs: Readonly<Record<string, PlannedInput>>,
): Promise<{ readonly contents: Contents } | { readonly off: string }> {
  const found = await Promise.all(
    Object.entries(inputs).flatMap(([name, { uri }]) =>
      uri === undefined ? [] : [contentOf(deps, workspace, uri).then((content) => [name, content] as const)],
    ),
  );
  for (const [name, content] of found) {
    if (typeof content !== "string") return { off: `input \`${name}\`: ${content.off}` };
  }
  return { contents: Object.fromEntries(found) as Contents };
}

/** Equal texts, equal files. Trees and outputs of jobs are known by their hash; of other places the listing says whether something changed. */
async function contentOf(
  deps: ContentsDeps,
  workspace: string,
  uri: string,
): Promise<string | { readonly off: string }> {
  const tree = /^azureml:\/\/trees\/([0-9a-f]{64})\/?$/.exec(uri)?.[1];
  if (tree !== undefined) return `files ${tree}`;
  const made = await outputAt(deps, workspace, uri);
  if (made !== undefined) return `files ${made.digest}`;
  try {
    const files = await listAll(deps, workspace, uri);
    const nameless = files.find(({ sha256, mark }) => sha256 === undefined && mark === undefined);
    if (nameless !== undefined) return { off: `only reading \`${nameless.uri}\` would tell whether it changed` };
    const marks = files.map(({ path, sizeBytes, sha256, mark }) => [path, sizeBytes, sha256 ?? mark]);
    return `listing ${await digestOf(marks)}`;
  } catch (error) {
    if (isAppError(error)) return { off: error.message };
    throw error;
  }
}

/** What a job's runner said is in the output that has this place. */
async function outputAt({ jobs }: ContentsDeps, workspace: string, uri: string): Promise<OutputContents | undefined> {
  const [, job, output] = /^azureml:\/\/datastores\/[^/]+\/paths\/azureml\/([^/]+)\/([^/]+)\/?$/.exec(uri) ?? [];
  if (job === undefined || output === undefined) return undefined;
  const made = (await jobs.get(workspace, job))?.outputs[output];
  return made !== undefined && bare(made.uri) === bare(uri) ? made.contents : undefined;
}

/** The place of a folder is written with and without a slash. */
const bare = (uri: string): string => uri.replace(/\/$/, "");

/** Throws InvalidArgument where there are too many. */
async function listAll(
  { files }: Pick<ContentsDeps, "files">,
  workspace: string,
  uri: string,
): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  let cursor: string | undefined;
  do {
    const page = await files.list(workspace, uri, cursor === undefined ? {} : { cursor });
    found.push(...page.files);
    cursor = page.cursor;
  } while (cursor !== undefined && found.length <= FILES_LIMIT);
  return found;
}

/** Whether all that a job said it made is still where it made it. Answers what is not. */
export async function missingOutput(
  deps: Pick<ContentsDeps, "files">,
  { workspace, outputs }: JobRecord,
): Promise<string | undefined> {
  const states = await Promise.all(
    Object.entries(outputs).map(async ([name, { uri, contents }]) => {
      if (contents === undefined) return `nobody knows what output \`${name}\` holds`;
      return (await isThere(deps, workspace, uri, contents)) ? undefined : `output \`${name}\` is not there any more`;
    }),
  );
  return states.find((state) => state !== undefined);
}

async function isThere(
  deps: Pick<ContentsDeps, "files">,
  workspace: string,
  uri: string,
  { files, bytes }: OutputContents,
): Promise<boolean> {
  if (files === 0) return true;
  try {
    const found = await listAll(deps, workspace, uri);
    return found.length === files && found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) === bytes;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}
