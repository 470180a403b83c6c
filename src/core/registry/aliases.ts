import { invalid } from "../tracking/errors.ts";
import { checkLength, checkModelName } from "../tracking/names.ts";
import type { Caller } from "../tracking/runs.ts";
import { changeModel, type RegistryDeps, without } from "./models.ts";
import type { RegisteredModel } from "./ports.ts";
import { getVersion, versionOf } from "./versions.ts";

const ALIAS_LIMIT = 255;

export function checkAlias(alias: string): void {
  if (alias === "") throw invalid("Registered model alias name cannot be empty.");
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength(alias, ALIAS_LIMIT, "Registered model alias name");
}

export function checkNewAlias(alias: string): void {
  checkAlias(alias);
  if (alias.toLowerCase() === "latest") throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

export async function setAlias(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  alias: string,
  version: string,
): Promise<RegisteredModel> {
  checkModelName(name);
  checkNewAlias(alias);
  await getVersion(deps, caller.workspace, name, version);
  return changeModel(
    deps,
    caller,
    name,
    { action: "label", summary: `label \`${alias}\` points at version \`${version}\``, quiet: true },
    async (model) => {
      const found = await versionOf(deps, model, version);
      return { model: { aliases: { ...model.aliases, [alias]: found.version } } };
    },
  );
}

export function deleteAlias(deps: RegistryDeps, caller: Caller, name: string, alias: string): Promise<RegisteredModel> {
  checkAlias(alias);
  return changeModel(
    deps,
    caller,
    name,
    { action: "label", summary: `label \`${alias}\` removed`, quiet: true },
    (model) =>
      Object.hasOwn(model.aliases, alias) ? { model: { aliases: without(model.aliases, alias) } } : undefined,
  );
}
