import { AppError } from "../../contract/errors.ts";
import type { Files } from "../files/ports.ts";
import type { Caller } from "../tracking/runs.ts";
import type { RegistryDeps } from "./models.ts";
import { type NewModelVersion, type Registered, registerModelVersion } from "./register.ts";

/** Files counted at most; beyond, size and count stay unknown. */
const PAGES_LIMIT = 10;
/** Addresses that say where a model came from are kept as they are written. */
const TELLING = /^(runs:\/|models:\/m-)/;
/** Where looking costs no network. */
const NEAR = /^(azureml:\/\/(trees|datastores)\/|mlflow-artifacts:|runs:|models:|file:)/;

/** Registers a model from a path of the surface: references are resolved, the files must be there, size and count are noted. */
export async function registerModelFrom(
  deps: RegistryDeps & { readonly files: Files },
  caller: Caller,
  input: NewModelVersion,
): Promise<Registered> {
  const { workspace } = caller;
  const { uri } = await deps.files.resolve(workspace, input.path, "model");
  const runId = input.runId ?? /^(?:runs:\/|azureml:\/\/jobs\/)([^/]+)/.exec(input.path)?.[1];
  const path = TELLING.test(input.path) ? input.path : uri;
  const facts = NEAR.test(uri) ? await measure(deps.files, workspace, uri, input) : {};
  return registerModelVersion(deps, caller, { ...input, path, ...facts, ...(runId === undefined ? {} : { runId }) });
}

async function measure(
  files: Files,
  workspace: string,
  uri: string,
  input: NewModelVersion,
): Promise<{ sizeBytes?: number; fileCount?: number }> {
  let listing = await files.list(workspace, uri);
  if (listing.files.length === 0) throw new AppError("NotFound", `there are no files at \`${input.path}\``, { uri });
  const isModel = listing.files.some((file) => file.path === "MLmodel") || listing.cursor !== undefined;
  if (input.type === "mlflow_model" && (listing.isFile || !isModel)) {
    throw new AppError(
      "InvalidArgument",
      `\`${input.path}\` holds no file \`MLmodel\`, which a model of type \`mlflow_model\` needs`,
      {
        hint: "register it as `custom_model`, or name the folder that holds `MLmodel`",
      },
    );
  }
  let sizeBytes = 0;
  let fileCount = 0;
  for (let page = 1; ; page++) {
    for (const file of listing.files) sizeBytes += file.sizeBytes;
    fileCount += listing.files.length;
    if (listing.cursor === undefined) return { sizeBytes, fileCount };
    if (page === PAGES_LIMIT) return {};
    listing = await files.list(workspace, uri, { cursor: listing.cursor });
  }
}
