import type { OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import type { Files, Listing } from "../files/ports.ts";
import type { RevisionPlan } from "./record.ts";

type Model = NonNullable<RevisionPlan["model"]>;

/** Folder name of a model whose own place has none: what most training scripts call it. */
const PLAIN_NAME = "model";
/** Last parts of addresses that name a place, not a model. */
const NAMELESS = new Set(["artifacts", "outputs", "paths", ""]);

/** The model of a deployment, pinned: a label becomes a version, a reference the address of its files. */
export async function planModel(
  deps: { readonly files: Files },
  workspace: string,
  value: NonNullable<OnlineDeploymentSpec["model"]>,
): Promise<{ readonly model: Model; readonly warnings: readonly string[] }> {
  const inline = typeof value === "string" ? { path: value } : value;
  const found = await deps.files.resolve(workspace, inline.path, "model");
  const listing = await deps.files.list(workspace, found.uri, { limit: 1 });
  if (listing.files.length === 0) {
    throw new AppError("NotFound", `model \`${inline.path}\` has no files`, {
      hint: "check the path, or register the model again",
    });
  }
  const type =
    ("type" in inline ? inline.type : undefined) ??
    found.type ??
    (await guessType(deps, workspace, found.uri, listing));
  if (type === "triton_model") {
    throw new AppError("NotSupported", `model \`${inline.path}\` is a Triton model, which needs a Triton server`, {
      hint: "deploy it with a scoring script, or as an MLflow model",
    });
  }
  const [, name, version] = /^azureml:([^:]+):([^:]+)$/.exec(found.asset ?? "") ?? [];
  const warnings: string[] = [];
  if ("name" in inline && inline.name !== undefined) {
    warnings.push(
      `model \`${inline.name}\` is used as it is given; register it with \`yard model create\` to give it a version`,
    );
  }
  return {
    model: {
      uri: found.uri,
      type,
      base_name: baseName(listing.uri, listing),
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
      ...(found.asset === undefined ? {} : { asset: found.asset }),
    },
    warnings,
  };
}

async function guessType(
  deps: { readonly files: Files },
  workspace: string,
  uri: string,
  listing: Listing,
): Promise<string> {
  if (listing.isFile) return "custom_model";
  return (await readText(deps.files, workspace, `${uri.replace(/\/$/, "")}/MLmodel`)) === undefined
    ? "custom_model"
    : "mlflow_model";
}

/** What the model is called inside AZUREML_MODEL_DIR: the last name of its path, as Azure has it. */
function baseName(uri: string, listing: Listing): string {
  const only = listing.files[0];
  if (listing.isFile && only !== undefined) return only.path.split("/").at(-1) ?? PLAIN_NAME;
  const tree = /^azureml:\/\/trees\/[0-9a-f]{64}\/?(.*)$/.exec(uri);
  const path = (tree === null ? uri.replace(/^[a-z-]+:\/*/, "") : (tree[1] ?? ""))
    .replace(/[?#].*$/, "")
    .replace(/\/+$/, "");
  const last = path.split("/").at(-1) ?? "";
  return NAMELESS.has(last) ? PLAIN_NAME : last;
}

const TEXT_LIMIT_BYTES = 1024 * 1024;

/** A small text file of a model; undefined where there is none. */
export async function readText(files: Files, workspace: string, uri: string): Promise<string | undefined> {
  try {
    const found = await files.open(workspace, uri);
    if (found === undefined) return undefined;
    if (found.sizeBytes > TEXT_LIMIT_BYTES) {
      await found.body.cancel();
      return undefined;
    }
    return await new Response(found.body).text();
  } catch (error) {
    if (error instanceof AppError && error.code === "NotFound") return undefined;
    throw error;
  }
}
