import { AppError, isAppError } from "../../contract/errors.ts";
import type { Files } from "../files/ports.ts";

/** Path below a folder -> what changes with the file's content. */
export type FileMarks = ReadonlyMap<string, string>;

const FILES_LIMIT = 100_000;

/** What is below a path now; nothing, where there is nothing yet. */
export async function marksBelow(
  files: Files,
  workspace: string,
  uri: string,
): Promise<{ readonly marks: FileMarks; readonly sizeBytes: number }> {
  const marks = new Map<string, string>();
  let sizeBytes = 0;
  let cursor: string | undefined;
  do {
    const page = await files
      .list(workspace, uri, { ...(cursor === undefined ? {} : { cursor }) })
      .catch((error: unknown) => {
        if (isAppError(error) && error.code === "NotFound" && error.details.uri !== undefined) return undefined;
        throw error;
      });
    if (page === undefined) break;
    for (const file of page.files) {
      marks.set(file.path, file.mark ?? file.sha256 ?? String(file.sizeBytes));
      sizeBytes += file.sizeBytes;
    }
    if (marks.size > FILES_LIMIT) {
      throw new AppError("TooLarge", `there are more than ${FILES_LIMIT} files below \`${uri}\``, {
        hint: "name a folder below it",
      });
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { marks, sizeBytes };
}

/** What became of the files, by path. */
export function compareFiles(before: FileMarks, after: FileMarks) {
  const added = [...after.keys()].filter((path) => !before.has(path));
  const removed = [...before.keys()].filter((path) => !after.has(path));
  const changed = [...after].flatMap(([path, mark]) => {
    const known = before.get(path);
    return known === undefined || known === mark ? [] : [path];
  });
  return { added, changed, removed };
}
