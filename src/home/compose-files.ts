import { findVersion } from "../core/assets/read-assets.ts";
import { makeFiles } from "../core/files/files.ts";
import type { Lookups } from "../core/files/lookups.ts";
import type { VersionRef } from "../core/files/parse-uri.ts";
import type { PlaceOpener } from "../core/files/place.ts";
import type { Files } from "../core/files/ports.ts";
import { resolveModel } from "../core/registry/resolve.ts";
import type { Ground } from "./part.ts";
import type { Stores } from "./stores.ts";

export interface FilesPart {
  readonly files: Files;
  readonly places: PlaceOpener;
  readonly lookups: Lookups;
  close(): void;
}

/** Every URI of the surface, over this home's stores and what its datastores reach. */
export function composeFiles(ground: Ground, stores: Stores, places: PlaceOpener & { close(): void }): FilesPart {
  const lookups = makeLookups(stores);
  const files = makeFiles({ ...ground, ...stores, places, lookups });
  return { files, places, lookups, close: () => places.close() };
}

const asked = (ref: VersionRef): string => ("version" in ref ? ref.version : `@${ref.label}`);

function makeLookups(stores: Stores): Lookups {
  return {
    async data(workspace, name, ref) {
      const found = await findVersion(stores, workspace, "data", name, asked(ref));
      if (found === undefined) return undefined;
      const { version, type = "uri_folder", body } = found.asset;
      return { name, version, type, uri: String(body.path) };
    },
    model: (workspace, name, ref) => resolveModel(stores, workspace, name, ref),
    async run(workspace, runId) {
      const [run, job] = await Promise.all([stores.runs.get(workspace, runId), stores.jobs.get(workspace, runId)]);
      if (run === undefined) return undefined;
      const inputs = Object.values(job?.inputs ?? {}).flatMap(({ uri }) => (uri === undefined ? [] : [uri]));
      const outputs = Object.fromEntries(Object.entries(job?.outputs ?? {}).map(([name, { uri }]) => [name, uri]));
      const { artifactUri, parentRunId } = run;
      return { artifactUri, inputs, outputs, ...(parentRunId === undefined ? {} : { parentRunId }) };
    },
    async loggedModel(workspace, modelId) {
      return (await stores.loggedModels.get(workspace, modelId))?.artifactUri;
    },
    async deployment(workspace, endpoint, deployment) {
      const revisions = await stores.endpoints.listRevisions({ workspace, endpoint, deployment });
      return revisions
        .filter(({ stage }) => stage !== "Ended" && stage !== "Failed")
        .flatMap(({ plan }) => [plan.model?.uri, plan.code?.uri].filter((uri) => uri !== undefined));
    },
  };
}
