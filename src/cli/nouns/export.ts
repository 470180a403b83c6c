import { resolve } from "node:path";
import type { ExportReport } from "../../client/export-folder/export.ts";
import { AppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { one, text } from "../output/shown.ts";
import { bytesText } from "../progress.ts";

export const exportNoun: Noun = {
  brief: "Move out: Parquet and the original files, in a folder",
  only: command({
    brief:
      "Write experiments, runs with their history, models and files into a folder: Parquet tables, original files, a manifest with checksums; run again, it goes on where it was",
    flags: {
      experiment: flag.many("Only these, by name, with their runs and logged models", { placeholder: "name" }),
      run: flag.many("Only these runs", { placeholder: "id" }),
      model: flag.many("Only these registered models, with the runs they came from", { placeholder: "name" }),
      all: flag.is("Everything of the workspace; the default"),
      since: flag.text("Only runs that started then or later", { placeholder: "time" }),
      tablesOnly: flag.is("Without artifacts, logs and snapshots"),
    },
    args: { brief: "Folder to write to: a new or empty one, or one where this export was begun", placeholder: "dir" },
    run: async (ctx, flags, [dir]) => {
      if (dir === undefined) throw missing("the folder to write to", "`yard export ./backup`");
      const { experiment: experiments, run: runs, model: models } = flags;
      if (flags.all && experiments.length + runs.length + models.length > 0)
        throw new AppError("InvalidArgument", "`--all` and the names of some exclude each other");
      const [{ client, workspace, address }, { exportFolder }] = await Promise.all([
        ctx.link(),
        import("../../client/export-folder/export.ts"),
      ]);
      const path = resolve(ctx.io.cwd, dir);
      const progress = ctx.progress(`export to ${dir}`);
      try {
        const report = await exportFolder({
          client,
          workspace,
          url: address.url,
          path,
          selection: { experiments, runs, models, since: timeOf(flags.since) },
          tablesOnly: flags.tablesOnly,
          now: () => new Date(),
          onProgress: progress.update,
        });
        const exit = report.verified ? 0 : 1;
        return ctx.human ? text(reportText(report), exit) : one(report, undefined, exit);
      } finally {
        progress.end();
      }
    },
  }),
};

function timeOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d/.test(given) ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(time))
    throw new AppError("InvalidArgument", `\`--since ${given}\` is not a time`, {
      hint: "`2026-01-31` or `2026-01-31T18:00:00Z`",
    });
  return time;
}

function reportText(report: ExportReport): string {
  const { files, file_bytes, ...rows } = report.counts;
  const tables = Object.entries(rows).filter(([, count]) => count > 0);
  const lines = tables.map(([name, count]) => `${name.replaceAll("_", " ").padEnd(24)}${String(count).padStart(12)}\n`);
  const originals = `${"files".padEnd(24)}${String(files).padStart(12)}  ${bytesText(file_bytes)}\n`;
  const problems = report.problems.map(({ about, message }) => `  ${about}: ${message}\n`);
  const last = report.verified
    ? `${report.finished_before ? "This export was whole before; all" : "All"} of it is in ${report.folder}, and has the counts and SHA-256 checksums of its manifest.\n`
    : "What was written could not be read back the same. Run the same command again.\n";
  return `${lines.join("")}${originals}${problems.length === 0 ? "" : `not in it:\n${problems.join("")}`}${last}`;
}
