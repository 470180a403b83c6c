import { data as routes } from "../../client/routes.ts";
import type { Data } from "../../contract/assets.ts";
import { assetVerbs, versionOf, which } from "../asset-verbs.ts";
import { command, flag, type Noun } from "../command.ts";
import { flags } from "../common-flags.ts";
import { one } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { createAsset, createFlags, pathOf } from "./asset-create.ts";
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
        ...createFlags("data asset"),
        path: flag.text("Local path, datastore path or public address", { short: "p", placeholder: "path" }),
        type: flag.choice("Type; default: uri_folder", TYPES, { short: "t" }),
      },
      run: async (ctx, given) => {
        const made = await createAsset(ctx, "data", routes, given, async (fromFile) => ({
          path: await pathOf(ctx, "data", given.path, fromFile),
          ...(given.type === undefined ? {} : { type: given.type }),
        }));
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
