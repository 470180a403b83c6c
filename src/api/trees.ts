import { trees as routes } from "../contract/routes/files.ts";
import { PACK_LIMIT_BYTES, type Tree } from "../contract/trees.ts";
import { readAll } from "../core/files/streams.ts";
import type { Archiver } from "../core/ports/archive.ts";
import type { Digest } from "../core/ports/digest.ts";
import type { Objects } from "../core/ports/objects.ts";
import { readTree, treeFacts } from "../core/trees/get-tree.ts";
import { treeUri } from "../core/trees/keys.ts";
import { missingBlobs } from "../core/trees/missing-blobs.ts";
import { planBlob } from "../core/trees/plan-blob.ts";
import type { TreeFacts, TreeStore } from "../core/trees/ports.ts";
import { putBlob } from "../core/trees/put-blob.ts";
import { putPack } from "../core/trees/put-pack.ts";
import { putTree } from "../core/trees/put-tree.ts";
import { zipTree } from "../core/trees/zip-tree.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export interface TreeRouteDeps {
  readonly trees: TreeStore;
  readonly objects: Objects;
  readonly digest: Digest;
  readonly archiver: Archiver;
}

export function makeTreeRoutes(deps: TreeRouteDeps): RawRoute[] {
  return [
    implement(routes.missing, async ({ params, body }) => ({
      missing: await missingBlobs(deps, { ...params, ...body }),
    })),
    implement(routes.putBlob, async ({ params, body }) => ({
      stored: await putBlob(deps, { workspace: params.workspace, sha256: params.id, body }),
    })),
    implement(routes.upload, async ({ params: { workspace, id: sha256 }, body }) =>
      planBlob(deps, { workspace, sha256, sizeBytes: body.size_bytes }),
    ),
    implement(routes.pack, async ({ params, body }) => ({
      stored: await putPack(deps, { ...params, bytes: await readAll(body, 2 * PACK_LIMIT_BYTES) }),
    })),
    implement(routes.put, async ({ params, body }) => treeOf(await putTree(deps, { ...params, ...body }))),
    implement(routes.get, async ({ params, query }) => {
      if (query.entries !== "true") return treeOf(await treeFacts(deps, params));
      const { entries, ...facts } = await readTree(deps, params);
      return { ...treeOf(facts), entries: [...entries] };
    }),
    implement(routes.zip, async ({ params }) => {
      const headers = {
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="${params.id.slice(0, 12)}.zip"`,
        "cache-control": "no-store",
      };
      return new Response(await zipTree(deps, params), { headers });
    }),
  ];
}

function treeOf({ id, fileCount, sizeBytes }: TreeFacts): Tree {
  return { id, uri: treeUri(id), file_count: fileCount, size_bytes: sizeBytes };
}
