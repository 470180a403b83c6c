import { environments as routes } from "../../client/routes.ts";
import type { Environment } from "../../contract/assets.ts";
import { type AssetRoutes, assetVerbs, refuseRegistry, registry, which } from "../asset-verbs.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { flags, keyValues } from "../common-flags.ts";
import { one } from "../output/shown.ts";
import { loadFields, takeInPath, takeInSpec } from "../take-in.ts";

function briefOf(it: Environment): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Version", it.version],
    ["Made of", it.resolved.kind],
    ["Python", it.resolved.python],
    ["Requirements", it.resolved.requirements],
    ["Image", it.definition.image],
    ["Curated", it.curated ? "yes" : undefined],
    ["Labels", it.labels],
    ["Description", it.description],
    ["Tags", it.tags],
  ];
}

export const environment: Noun = {
  brief: "Environments that jobs and deployments run in",
  verbs: {
    create: command({
      brief: "Register an environment",
      flags: {
        name: flags.maybeName("environment"),
        version: which.version,
        file: flags.maybeFile(),
        set: flags.set(),
        image: flag.text("Image", { short: "i", placeholder: "image" }),
        buildContext: flag.text("Folder with a Dockerfile", { short: "b", placeholder: "dir" }),
        dockerfilePath: flag.text("Dockerfile in that folder", { placeholder: "path" }),
        condaFile: flag.text("Conda environment file", { short: "c", placeholder: "file" }),
        description: flag.text("What it is", { short: "d", placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        ...registry,
      },
      run: async (ctx, given) => {
        refuseRegistry(given.registryName);
        const { client, workspace } = await ctx.link();
        const taken =
          given.file === undefined
            ? undefined
            : await takeInSpec(ctx, "environment", given.file, {
                set: given.set,
                name: given.name,
                version: given.version,
              });
        const name = taken?.name ?? given.name;
        if (name === undefined) throw missing("the name", "`--name NAME`");
        const conda =
          given.condaFile === undefined ? undefined : await loadFields(ctx, "conda_env", given.condaFile, []);
        const build = given.buildContext === undefined ? undefined : await takeInPath(ctx, given.buildContext, "build");
        if (taken === undefined && given.image === undefined && conda === undefined && build === undefined) {
          throw missing("the content", "`--file FILE`, or `--image IMAGE` with `--conda-file FILE`");
        }
        const body = {
          ...taken?.spec,
          ...(given.image === undefined ? {} : { image: given.image }),
          ...(conda === undefined ? {} : { conda_file: conda }),
          ...(build === undefined ? {} : { build: { path: build, ...dockerfile(given.dockerfilePath) } }),
          ...(given.description === undefined ? {} : { description: given.description }),
          ...(given.tags.length === 0 ? {} : { tags: keyValues("--tags", given.tags) }),
        };
        const version = taken?.version ?? given.version;
        const made =
          version === undefined
            ? await client.call(routes.create, { params: { workspace, name }, body })
            : await client.call(routes.put, { params: { workspace, name, version }, body });
        return one(made, briefOf);
      },
    }),
    // Environment routes differ from data's in fields that the common verbs do not touch.
    ...assetVerbs({ noun: "environment", routes: routes as unknown as AssetRoutes }),
  },
};

function dockerfile(path: string | undefined) {
  return path === undefined ? {} : { dockerfile_path: path };
}
