import type { EnvironmentDefinition } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import type { AssetStore } from "../assets/ports.ts";
import { findVersion } from "../assets/read-assets.ts";
import { readBuildContext } from "../environment-assets/build-context.ts";
import { curatedFor, curatedName, unknownEnvironment } from "../environments/curated.ts";
import { resolveEnvironment } from "../environments/resolve.ts";
import type { Files } from "../files/ports.ts";
import type { Environments } from "./ports.ts";

export interface EnvironmentDeps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly hasContainerEngine: boolean;
}

/** Environments as jobs and deployments write them: registered ones come before curated ones of the same name. */
export function makeEnvironments(deps: EnvironmentDeps): Environments {
  return {
    async resolve(workspace, value) {
      if (typeof value !== "string") return define(deps, workspace, value);
      const registered = await findRegistered(deps, workspace, value.trim());
      if (registered !== undefined) return define(deps, workspace, registered.definition, registered.label);
      const curated = curatedFor(value);
      if (curated !== undefined) return { spec: curated, warnings: [] };
      const known = await deps.assets.heads(workspace, "environment", { filter: { archived: "false" }, limit: 1000 });
      throw unknownEnvironment(
        value,
        known.items.map((head) => head.name),
      );
    },
  };
}

async function findRegistered(
  deps: EnvironmentDeps,
  workspace: string,
  ref: string,
): Promise<{ readonly definition: EnvironmentDefinition; readonly label: string } | undefined> {
  const parts = /^(?:azureml:)?([A-Za-z0-9][\w.-]*)(?:@([\w.-]+)|:([\w.-]+))?$/.exec(ref);
  const name = parts?.[1];
  if (parts === null || name === undefined) return undefined;
  const wanted = parts[3] ?? `@${parts[2] ?? "latest"}`;
  const found = await findVersion(deps, workspace, "environment", name, wanted);
  const head = found === undefined ? await deps.assets.head(workspace, "environment", name) : undefined;
  if (found !== undefined) {
    // Curated ones are kept as assets to be seen; what is built is the original.
    if (curatedName(ref) === name && curatedFor(ref) !== undefined && (await isCurated(deps, workspace, name)))
      return undefined;
    const definition = definitionOf(found.asset.body);
    return { definition, label: `azureml:${name}:${found.asset.version}` };
  }
  if (head === undefined || head.isCurated) return undefined;
  throw new AppError("NotFound", `environment \`${name}\` has no version \`${parts[3] ?? parts[2] ?? "latest"}\``, {
    hint: head.latest === undefined ? "all its versions are deleted" : `the latest is \`${head.latest}\``,
  });
}

async function isCurated(deps: EnvironmentDeps, workspace: string, name: string): Promise<boolean> {
  return (await deps.assets.head(workspace, "environment", name))?.isCurated === true;
}

/** What says how to build it, without the words about it. */
function definitionOf(body: Readonly<Record<string, unknown>>): EnvironmentDefinition {
  const { image, conda_file, build, inference_config, os_type } = body as EnvironmentDefinition;
  return {
    ...(image === undefined ? {} : { image }),
    ...(conda_file === undefined ? {} : { conda_file }),
    ...(build === undefined ? {} : { build }),
    ...(inference_config === undefined ? {} : { inference_config }),
    ...(os_type === undefined ? {} : { os_type }),
  };
}

async function define(deps: EnvironmentDeps, workspace: string, value: EnvironmentDefinition, label?: string) {
  const files = await readBuildContext(deps.files, workspace, value);
  return resolveEnvironment({
    value,
    hasContainerEngine: deps.hasContainerEngine,
    ...(files === undefined ? {} : { files }),
    ...(label === undefined ? {} : { label }),
  });
}
