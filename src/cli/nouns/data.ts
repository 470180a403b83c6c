import { data as routes } from "../../client/routes.ts";
import type { Data } from "../../contract/assets.ts";
import { assetVerbs, refuseRegistry, registry, versionOf, which } from "../asset-verbs.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { flags, keyValues } from "../common-flags.ts";
import { one } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { takeInPath, takeInSpec } from "../take-in.ts";
import { downloadAsset } from "./asset-download.ts";

const TYPES = ["uri_file", "uri_folder", "mltable"] as const;

function briefOf(it: Data): (readonly [string, unknown])[] {
  return [
    ["Name", it.name],
    ["Version", it.version],
    ["Type", it.type],
    ["Path", it.path],
    ["Size", it.size_bytes === undefined ? undefined : bytesText(it.size_bytes)],
    ["Files", it.file_count],
    ["Labels", it.labels],
    ["Description", it.description],
    ["Tags", it.tags],
    ["Created", `${it.created_at} by ${it.created_by}`],
  ];
}

export const data: Noun = {
  brief: "Data assets: files and folders with a name and versions",
  verbs: {
    create: command({
      brief: "Register data, from a file or from flags; local files and folders are uploaded",
      flags: {
        name: flags.maybeName("data asset"),
        version: which.version,
        file: flags.maybeFile(),
        set: flags.set(),
        path: flag.text("Local path, datastore path or public address", { short: "p", placeholder: "path" }),
        type: flag.choice("Type; default: uri_folder", TYPES, { short: "t" }),
        description: flag.text("What it is", { placeholder: "text" }),
        tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
        ...registry,
      },
      run: async (ctx, given) => {
        refuseRegistry(given.registryName);
        const { client, workspace } = await ctx.link();
        const taken =
          given.file === undefined
            ? undefined
            : await takeInSpec(ctx, "data", given.file, { set: given.set, name: given.name, version: given.version });
        const name = taken?.name ?? given.name;
        if (name === undefined) throw missing("the name", "`--name NAME`");
        const path = given.path === undefined ? taken?.spec.path : await takeInPath(ctx, given.path, "data");
        if (path === undefined) throw missing("the path", "`--path PATH` or `--file FILE`");
        const body = {
          ...taken?.spec,
          path,
          ...(given.type === undefined ? {} : { type: given.type }),
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
    ...assetVerbs({ noun: "data asset", routes }),
    download: command({
      brief: "Bring the files of a version here",
      flags: {
        name: flags.name("data asset"),
        ...which,
        downloadPath: flag.text("Folder; default: here", { short: "p", placeholder: "dir" }),
      },
      run: (ctx, given) => downloadAsset(ctx, routes, given.name, versionOf(given), given.downloadPath),
    }),
  },
};
