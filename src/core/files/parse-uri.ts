import { AppError } from "../../contract/errors.ts";

/** Which version: a number or text, or what a label points at. */
export type VersionRef = { readonly version: string } | { readonly label: string };

export type ParsedUri =
  | {
      readonly kind: "asset";
      readonly assets: readonly ("data" | "model")[];
      readonly name: string;
      readonly ref: VersionRef;
      readonly path: string;
    }
  | { readonly kind: "tree"; readonly id: string; readonly path: string }
  | { readonly kind: "datastore"; readonly datastore: string; readonly path: string }
  | { readonly kind: "output"; readonly job: string; readonly output: string; readonly path: string }
  | { readonly kind: "run"; readonly run: string; readonly path: string }
  | { readonly kind: "loggedModel"; readonly model: string; readonly path: string }
  | { readonly kind: "artifact"; readonly path: string }
  | { readonly kind: "address"; readonly uri: string };

type AssetKind = "data" | "model";

const ADDRESS = /^(https?|wasbs?|abfss?|adl|s3|file):/i;

/** Takes a reference or URI of the surface apart. `prefer`: which asset a bare `azureml:NAME:VERSION` means; absent: data, then model. */
export function parseUri(uri: string, prefer?: AssetKind): ParsedUri {
  if (ADDRESS.test(uri)) return { kind: "address", uri };
  const bare: readonly AssetKind[] = prefer === undefined ? ["data", "model"] : [prefer];
  const parsed = parseAzureml(uri, bare) ?? parseMlflow(uri);
  if (parsed !== undefined) return parsed;
  throw new AppError(
    "InvalidArgument",
    `\`${uri.toWellFormed()}\` is neither a URI nor a reference that files can be read from`,
    {
      hint: "use `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, `azureml://datastores/NAME/paths/PATH`, `runs:/ID/PATH`, an https address ...; local paths are uploaded by `yard` first",
    },
  );
}

function parseAzureml(uri: string, bare: readonly AssetKind[]): ParsedUri | undefined {
  const long = /^azureml:\/\/?(?:subscriptions|locations)\/.+?\/workspaces\/[^/]+\/(.+)$/is.exec(uri);
  if (long?.[1] !== undefined) return parseRest(long[1], uri);
  const short = /^azureml:\/\/(.+)$/is.exec(uri);
  if (short?.[1] !== undefined) return parseRest(short[1], uri);
  const asset = /^azureml:([^/:@]+)(?::([^/:@]+)|@([^/:@]+))$/is.exec(uri);
  if (asset?.[1] !== undefined) {
    const ref = asset[2] === undefined ? { label: asset[3] ?? "" } : { version: asset[2] };
    return { kind: "asset", assets: bare, name: asset[1], ref, path: "" };
  }
  if (/^azureml:[^/:@]+$/is.test(uri)) {
    throw new AppError("InvalidArgument", `\`${uri}\` names no version`, {
      hint: `write \`${uri}:1\` or \`${uri}@latest\``,
    });
  }
  return undefined;
}

function parseRest(rest: string, uri: string): ParsedUri {
  const parts = rest.split("/");
  const [head = "", name = "", third = "", fourth = ""] = parts;
  switch (head.toLowerCase()) {
    case "trees":
      if (/^[0-9a-f]{64}$/.test(name)) return { kind: "tree", id: name, path: parts.slice(2).join("/") };
      break;
    case "datastores":
      if (name !== "" && (third === "paths" || parts.slice(2).every((part) => part === ""))) {
        return { kind: "datastore", datastore: name, path: parts.slice(3).join("/") };
      }
      break;
    case "jobs":
    case "runs":
      if (name !== "" && third === "outputs" && fourth !== "" && [undefined, "", "paths"].includes(parts[4])) {
        return { kind: "output", job: name, output: fourth, path: parts.slice(5).join("/") };
      }
      break;
    case "data":
    case "models":
      if (name !== "" && (third === "versions" || third === "labels") && fourth !== "") {
        const ref = third === "labels" ? { label: fourth } : { version: fourth };
        const path = parts.slice(parts[4] === "paths" ? 5 : 4).join("/");
        return { kind: "asset", assets: [head.toLowerCase() === "data" ? "data" : "model"], name, ref, path };
      }
      break;
    case "registries":
      throw new AppError("NotFound", `\`${uri}\` is in registry \`${name}\`; this home has no Azure registries`, {
        hint: "register the asset in the workspace; of registry `azureml`, curated environments are here",
      });
    case "locations":
    case "subscriptions":
      break;
  }
  throw new AppError("InvalidArgument", `\`${uri.toWellFormed()}\` is not a complete azureml URI`, {
    hint: "forms: azureml://datastores/NAME/paths/PATH, azureml://jobs/NAME/outputs/OUTPUT/paths/PATH, azureml://trees/SHA256/PATH",
  });
}

function parseMlflow(uri: string): ParsedUri | undefined {
  const run = /^runs:\/+([^/]+)\/?(.*)$/is.exec(uri);
  if (run?.[1] !== undefined) return { kind: "run", run: run[1], path: run[2] ?? "" };
  const logged = /^models:\/+(m-[0-9a-f]{32})(?:\/(.*))?$/is.exec(uri);
  if (logged?.[1] !== undefined) return { kind: "loggedModel", model: logged[1], path: logged[2] ?? "" };
  const labelled = /^models:\/+([^/:@]+)@([^/:@]+)(?:\/(.*))?$/is.exec(uri);
  if (labelled?.[1] !== undefined) {
    return {
      kind: "asset",
      assets: ["model"],
      name: labelled[1],
      ref: { label: labelled[2] ?? "" },
      path: labelled[3] ?? "",
    };
  }
  const model = /^models:\/+([^/:@]+)\/([^/:@]+)(?:\/(.*))?$/is.exec(uri);
  if (model?.[1] !== undefined) {
    const version = model[2] ?? "";
    const ref = /^\d+$/.test(version) ? { version } : { label: version };
    return { kind: "asset", assets: ["model"], name: model[1], ref, path: model[3] ?? "" };
  }
  // An authority (`mlflow-artifacts://host/…`) names the server that the client spoke to, which is this one.
  const artifact = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/is.exec(uri);
  return artifact === null ? undefined : { kind: "artifact", path: artifact[1] ?? "" };
}
