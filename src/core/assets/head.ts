import { AppError } from "../../contract/errors.ts";
import type { AssetHead, AssetKind, AssetStore, AssetVersion } from "./ports.ts";
import { KIND_WORDS } from "./words.ts";

type Bare = Omit<AssetHead, "rev">;

/** A head that shows `latest`. */
export function showing(head: Bare, latest: AssetVersion, now: string): Bare {
  const { type: _type, description: _description, latest: _latest, ...rest } = head;
  return {
    ...rest,
    latest: latest.version,
    ...(latest.type === undefined ? {} : { type: latest.type }),
    ...(latest.description === undefined ? {} : { description: latest.description }),
    tags: latest.tags,
    archived: latest.archived,
    updatedAt: now,
  };
}

/** The newest version that is not archived, else the newest, once `changed` stands in place of what is stored (undefined: deleted). */
export async function findLatest(
  assets: AssetStore,
  workspace: string,
  kind: AssetKind,
  name: string,
  version: string,
  changed: AssetVersion | undefined,
): Promise<AssetVersion | undefined> {
  let newest: AssetVersion | undefined;
  let cursor: string | undefined;
  do {
    const page = await assets.versions(workspace, kind, name, {
      filter: { archived: "all" },
      limit: 100,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const stored of page.items) {
      const standing = stored.version === version ? changed : stored;
      if (standing === undefined) continue;
      if (!standing.archived) return standing;
      newest ??= standing;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return newest;
}

export function refuseCurated(head: AssetHead | undefined, kind: AssetKind, name: string): void {
  if (head?.isCurated !== true) return;
  throw new AppError("Forbidden", `${KIND_WORDS[kind]} \`${name}\` ships with the home and can't be changed`, {
    hint: "register your own under another name",
  });
}

export function notFound(workspace: string, kind: AssetKind, name: string, version?: string): AppError {
  const what = `${KIND_WORDS[kind]} \`${name}\``;
  // A name with any version has a latest one.
  return new AppError(
    "NotFound",
    version === undefined || version === "@latest"
      ? `there is no ${what} in workspace \`${workspace}\``
      : `there is no version \`${version}\` of ${what} in workspace \`${workspace}\``,
  );
}
