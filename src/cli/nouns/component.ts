import { components as routes } from "../../client/routes.ts";
import { type AssetRoutes, assetVerbs, refuseRegistry, registry, which } from "../asset-verbs.ts";
import { command, missing, type Noun } from "../command.ts";
import { flags } from "../common-flags.ts";
import { one } from "../output/shown.ts";
import { takeInSpec } from "../take-in.ts";

export const component: Noun = {
  brief: "Components: parts that pipelines are made of",
  verbs: {
    create: command({
      brief: "Register a component; the same content and version again changes nothing",
      flags: {
        name: flags.maybeName("component"),
        version: which.version,
        file: flags.file(),
        set: flags.set(),
        ...registry,
      },
      run: async (ctx, given) => {
        refuseRegistry(given.registryName);
        const { name, version, spec } = await takeInSpec(ctx, "component", given.file, {
          set: given.set,
          name: given.name,
          version: given.version,
        });
        if (name === undefined) throw missing("the name", "`name:` in the file, or `--name NAME`");
        const { client, workspace } = await ctx.link();
        return one(
          version === undefined
            ? await client.call(routes.create, { params: { workspace, name }, body: spec })
            : await client.call(routes.put, { params: { workspace, name, version }, body: spec }),
        );
      },
    }),
    // Component routes differ from data's in fields that the common verbs do not touch.
    ...assetVerbs({ noun: "component", routes: routes as unknown as AssetRoutes }),
  },
};
