import type { EnvironmentDefinition } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { dockerfileOf } from "../environments/dockerfile.ts";
import { filesWanted } from "../environments/resolve.ts";
import { joinUri } from "../files/paths.ts";
import type { Files } from "../files/ports.ts";
import { readAll } from "../files/streams.ts";

/** A Dockerfile or requirements file is text for people. */
const FILE_LIMIT_BYTES = 1024 * 1024;

/** Texts of the build context's files that tell what it installs, by relative path; undefined without a build context. */
export async function readBuildContext(
  files: Files,
  workspace: string,
  definition: EnvironmentDefinition,
): Promise<Readonly<Record<string, string>> | undefined> {
  const { build } = definition;
  if (build === undefined) return undefined;
  const texts = new Map<string, string>();
  const read = async (path: string): Promise<string | undefined> => {
    const text = await readText(files, workspace, joinUri(build.path, path));
    if (text !== undefined) texts.set(path, text);
    return text;
  };
  const dockerfile = await read(dockerfileOf(build));
  if (dockerfile !== undefined) for (const path of filesWanted(dockerfile)) await read(path);
  return Object.fromEntries(texts);
}

async function readText(files: Files, workspace: string, uri: string): Promise<string | undefined> {
  try {
    const file = await files.open(workspace, uri);
    return file === undefined ? undefined : new TextDecoder().decode(await readAll(file.body, FILE_LIMIT_BYTES));
  } catch (error) {
    // Names found in a Dockerfile may lead anywhere; those that lead out of the context are not in it.
    if (error instanceof AppError && error.code === "InvalidPath") return undefined;
    throw error;
  }
}
