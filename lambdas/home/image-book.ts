import { openImageBook } from "../../src/adapters/aws/images/book.ts";
import { openBuildRecords } from "../../src/adapters/aws/images/records.ts";
import type { ImageBook } from "../../src/core/environment-assets/ports.ts";
import type { Digest } from "../../src/core/ports/digest.ts";
import type { Ground } from "../../src/home/part.ts";
import type { PlacesOf } from "../../src/store/workspace-storage.ts";

/** States of the home's images, and of those of workspaces that have repositories of their own. */
export function openHomeBook(
  { table, clock }: Pick<Ground, "table" | "clock">,
  { digest, placesOf }: { readonly digest: Digest; readonly placesOf: PlacesOf },
): ImageBook {
  return openImageBook({
    clock,
    digest,
    records: openBuildRecords(table),
    ownOf: async (workspace) => (await placesOf(workspace))?.repository?.arn,
  });
}
