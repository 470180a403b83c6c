import { environments as routes } from "../../client/routes.ts";
import type { Environment } from "../../contract/assets.ts";
import { type AssetRoutes, assetVerbs } from "../asset-verbs.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { one } from "../output/shown.ts";
import { loadFields, takeInPath } from "../take-in.ts";
import { createAsset, createFlags } from "./asset-create.ts";

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
        ...createFlags("environment"),
        image: flag.text("Image", { short: "i", placeholder: "image" }),
        buildContext: flag.text("Folder with a Dockerfile", { short: "b", placeholder: "dir" }),
        dockerfilePath: flag.text("Dockerfile in that folder", { placeholder: "path" }),
        condaFile: flag.text("Conda environment file", { short: "c", placeholder: "file" }),
      },
      run: async (ctx, given) => {
        const made = await createAsset(ctx, "environment", routes, given, async (fromFile) => {
          const { image, condaFile, buildContext, dockerfilePath } = given;
          if (fromFile === undefined && image === undefined && condaFile === undefined && buildContext === undefined) {
            throw missing("the content", "`--file FILE`, or `--image IMAGE` with `--conda-file FILE`");
          }
          const conda = condaFile === undefined ? undefined : await loadFields(ctx, "conda_env", condaFile, []);
          const build = buildContext === undefined ? undefined : await takeInPath(ctx, buildContext, "build");
          return {
            ...(image === undefined ? {} : { image }),
            ...(conda === undefined ? {} : { conda_file: conda }),
            ...(build === undefined ? {} : { build: { path: build, ...dockerfile(dockerfilePath) } }),
          };
        });
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
