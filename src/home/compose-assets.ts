import { makeArchiver } from "../adapters/node/archive.ts";
import { makeAccessRoutes } from "../api/access.ts";
import { makeActivityRoutes } from "../api/activities.ts";
import { makeComponentRoutes } from "../api/components.ts";
import { makeDataRoutes } from "../api/data.ts";
import { makeDatastoreRoutes } from "../api/datastores.ts";
import { makeEnvironmentRoutes } from "../api/environments.ts";
import { makeFileRoutes } from "../api/files.ts";
import { makeHomeRoutes } from "../api/home.ts";
import { makeSecretRoutes } from "../api/secrets.ts";
import { makeTreeRoutes } from "../api/trees.ts";
import { makeWorkspaceRoutes } from "../api/workspaces.ts";
import { DEFAULT_WORKSPACE } from "../contract/workspaces.ts";
import type { ImageBook } from "../core/environment-assets/ports.ts";
import type { Digest } from "../core/ports/digest.ts";
import { ensureWorkspace } from "../core/workspaces/put-workspace.ts";
import type { FilesPart } from "./compose-files.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";
import { listWorkspaceNames } from "./workspace-names.ts";

/** Workspaces, who may do what in them, and what is kept in them: files, trees, datastores, data, environments, components, activities; and what the home says of itself. */
export function composeAssets(
  ground: Ground,
  stores: Stores,
  others: Pick<FilesPart, "files" | "places" | "lookups"> & {
    readonly home: "laptop" | "aws";
    readonly digest: Digest;
    readonly images?: ImageBook;
  },
): Part {
  const deps = {
    ...ground,
    ...stores,
    ...others,
    archiver: makeArchiver(),
    allowLocal: others.home === "laptop",
    ...(others.home === "aws" ? { iamAddress: ground.address } : {}),
    // Jobs of the AWS home run in containers, those of a laptop don't.
    hasContainerEngine: others.home === "aws",
  };
  return {
    routes: [
      ...makeHomeRoutes(others),
      ...makeAccessRoutes(deps),
      ...makeWorkspaceRoutes(deps),
      ...makeTreeRoutes(deps),
      ...makeFileRoutes(deps),
      ...makeDatastoreRoutes(deps),
      ...makeSecretRoutes(deps),
      ...makeDataRoutes(deps),
      ...makeEnvironmentRoutes(deps),
      ...makeComponentRoutes(deps),
      ...makeActivityRoutes(deps),
    ],
    async start() {
      const names = new Set([DEFAULT_WORKSPACE, ...(await listWorkspaceNames(ground.table))]);
      for (const name of names) await ensureWorkspace(deps, name);
    },
  };
}
