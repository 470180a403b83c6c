import { AppError } from "../../contract/errors.ts";
import type { ArchiveEntry, Archiver } from "../ports/archive.ts";
import type { Objects } from "../ports/objects.ts";
import { readTree } from "./get-tree.ts";
import { blobKey } from "./keys.ts";
import type { TreeStore } from "./ports.ts";

/** A tree as a zip file, made while it is read. */
export async function zipTree(
  deps: { readonly trees: TreeStore; readonly objects: Objects; readonly archiver: Archiver },
  input: { readonly workspace: string; readonly id: string },
): Promise<ReadableStream<Uint8Array>> {
  const { entries } = await readTree(deps, input);
  return deps.archiver.zip(
    entries.map((entry): ArchiveEntry => {
      if (entry.kind !== "file") return entry;
      return {
        kind: "file",
        path: entry.path,
        executable: entry.executable ?? false,
        open: async () => {
          const object = await deps.objects.get(blobKey(input.workspace, entry.sha256));
          if (object === undefined) {
            throw new AppError("Internal", `blob \`${entry.sha256}\` of tree \`${input.id}\` is gone`);
          }
          return object.body;
        },
      };
    }),
  );
}
