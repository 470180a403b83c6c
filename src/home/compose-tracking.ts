import { makeExperimentRoutes } from "../api/experiments.ts";
import { makeImportRoutes } from "../api/imports.ts";
import { makeLineageRoutes } from "../api/lineage.ts";
import type { RegisteredFiles } from "../api/mlflow/artifacts.ts";
import { makeMlflowRoutes } from "../api/mlflow/routes.ts";
import { makeModelRoutes } from "../api/models.ts";
import { isAppError } from "../contract/errors.ts";
import type { Files } from "../core/files/ports.ts";
import { REGISTERED_FOLDER } from "../core/registry/resolve.ts";
import type { Ground, Part } from "./part.ts";
import type { Stores } from "./stores.ts";

/** MLflow's server, models, experiments and lineage. */
export function composeTracking(
  ground: Ground,
  stores: Stores,
  others: {
    readonly files: Files;
    /** What a relative artifact location means, where client and server share a machine. */
    readonly resolveLocation?: (location: string) => string;
  },
): Part {
  const { files } = others;
  const deps = {
    ...ground,
    ...stores,
    search: stores.runIndex,
    ...others,
    registered: makeRegisteredFiles(stores, files),
  };
  return {
    routes: [
      ...makeMlflowRoutes(deps),
      ...makeModelRoutes(deps),
      ...makeExperimentRoutes(deps),
      ...makeImportRoutes(deps),
      ...makeLineageRoutes(deps),
    ],
  };
}

/** `registered-models/<model id>/<version>/<path>` as artifacts: files of models registered from trees, datastores and jobs. */
function makeRegisteredFiles(stores: Stores, files: Files): RegisteredFiles {
  async function uriOf(workspace: string, path: string): Promise<string | undefined> {
    const [folder, id, number, ...rest] = path.split("/");
    if (folder !== REGISTERED_FOLDER || id === undefined || number === undefined) return undefined;
    const model = (await stores.models.list(workspace)).find((each) => each.id === id);
    const version = model === undefined ? undefined : await stores.models.version(model, number);
    return version === undefined ? undefined : [version.source.replace(/\/$/, ""), ...rest].join("/");
  }
  return {
    async list(workspace, path) {
      const uri = await uriOf(workspace, path);
      if (uri === undefined) return undefined;
      try {
        const listing = await files.list(workspace, uri);
        if (listing.isFile) return [];
        return oneLevel(listing.files);
      } catch (error) {
        if (isAppError(error) && error.code === "NotFound") return [];
        throw error;
      }
    },
    async open(workspace, path, range) {
      const uri = await uriOf(workspace, path);
      return uri === undefined ? undefined : files.open(workspace, uri, range);
    },
  };
}

function oneLevel(files: readonly { readonly path: string; readonly sizeBytes: number }[]) {
  const entries = new Map<string, { name: string; isDir: boolean; sizeBytes?: number }>();
  for (const { path, sizeBytes } of files) {
    const at = path.indexOf("/");
    const name = at < 0 ? path : path.slice(0, at);
    entries.set(name, at < 0 ? { name, isDir: false, sizeBytes } : { name, isDir: true });
  }
  return [...entries.values()];
}
