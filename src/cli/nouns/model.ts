import { modelGroups, models as routes } from "../../client/routes.ts";
import type { Model } from "../../contract/assets.ts";
import type { GroupedModel } from "../../contract/model-groups.ts";
import { type AssetRoutes, assetVerbs, refuseRegistry, registry, versionOf, which } from "../asset-verbs.ts";
import { command, flag, type Noun } from "../command.ts";
import { collect, flags } from "../common-flags.ts";
import { list, one } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { createAsset, createFlags, pathOf } from "./asset-create.ts";
import { downloadAsset } from "./asset-download.ts";

const TYPES = ["custom_model", "mlflow_model", "triton_model"] as const;
// Model routes differ from data's in fields that the common verbs do not touch.
const common = routes as unknown as AssetRoutes;

function briefOf(it: Model): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Version", it.version],
    ["Type", it.type],
    ["Path", it.path],
    ["Size", it.size_bytes === undefined ? undefined : bytesText(it.size_bytes)],
    ["Run", it.run_id],
    ["Stage", it.stage],
    ["Labels", it.labels],
    ["Used by", it.used_by],
    ["Description", it.description],
    ["Tags", it.tags],
    ["Created", `${it.created_at} by ${it.created_by}`],
  ];
}

export const model: Noun = {
  brief: "Registered models",
  verbs: {
    create: command({
      brief: "Register a model from a file, or from a local path, a run or a job's output",
      flags: {
        ...createFlags("model"),
        path: flag.text("Local path, runs:/RUN/PATH, azureml://jobs/JOB/outputs/..., azureml://datastores/...", {
          short: "p",
          placeholder: "path",
        }),
        type: flag.choice("Type; default: custom_model", TYPES, { short: "t" }),
        stage: flag.text("Stage, such as Production", { short: "s", placeholder: "stage" }),
      },
      run: async (ctx, given) => {
        const made = await createAsset(ctx, "model", routes, given, async (fromFile) => ({
          path: await pathOf(ctx, "model", given.path, fromFile),
          ...(given.type === undefined ? {} : { type: given.type }),
          ...(given.stage === undefined ? {} : { stage: given.stage }),
        }));
        return one(made, briefOf);
      },
    }),
    ...assetVerbs({ noun: "model", routes: common }),
    show: command({
      brief: "One version of a model; default: the newest",
      flags: { name: flags.name("model"), ...which, ...registry },
      run: async (ctx, given) => {
        refuseRegistry(given.registryName);
        const { client, workspace } = await ctx.link();
        return one(
          await client.call(routes.get, { params: { workspace, name: given.name, version: versionOf(given) } }),
          briefOf,
        );
      },
    }),
    group: command({
      brief: "The newest model of each partition of a group, with the metrics of their runs",
      flags: { name: flags.name("group") },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const params = { workspace, group: given.name };
        const items = await collect(ctx, undefined, (query) => client.call(modelGroups.get, { params, query }));
        const metrics = [...new Set(items.flatMap((item) => Object.keys(item.metrics)))].sort();
        return list(items, [
          { head: "Partition", of: (it) => it.partition },
          { head: "Model", of: (it) => `${it.name}:${it.version}` },
          ...metrics.map((key) => ({ head: key, of: (it: GroupedModel) => it.metrics[key] })),
          { head: "Run", of: (it) => it.run_id },
        ]);
      },
    }),
    download: command({
      brief: "Bring the files of a version here",
      flags: {
        name: flags.name("model"),
        ...which,
        downloadPath: flag.text("Folder; default: here", { short: "p", placeholder: "dir" }),
      },
      run: (ctx, given) =>
        downloadAsset(ctx, common, given.name, versionOf(given), given.downloadPath, { keepFolder: true }),
    }),
  },
};
