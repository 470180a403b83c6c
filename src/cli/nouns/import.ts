import { resolve } from "node:path";
import type { Mlflow } from "../../client/import-mlflow/rest.ts";
import type { ImportReport } from "../../client/import-mlflow/tally.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import type { Ctx } from "../context.ts";
import { checkUrl } from "../find-address.ts";
import { one, type Shown, text } from "../output/shown.ts";
import { bytesText } from "../progress.ts";

async function moveServer(ctx: Ctx, url: string, name: string, token: string | undefined): Promise<Shown> {
  const [{ makeClient }, { makeSocketTransport }, { makeMlflow }] = await Promise.all([
    import("../../client/client.ts"),
    import("../../client/http-node.ts"),
    import("../../client/import-mlflow/rest.ts"),
  ]);
  const plain = makeClient({ url, token, transport: makeSocketTransport() });
  const { signal } = ctx.io;
  const client = { ...plain, raw: (path: string, request = {}) => plain.raw(path, { signal, ...request }) };
  return move(ctx, makeMlflow(client, ""), name);
}

async function move(ctx: Ctx, source: Mlflow, name: string): Promise<Shown> {
  const [{ client, workspace }, { importMlflow }] = await Promise.all([
    ctx.link(),
    import("../../client/import-mlflow/import.ts"),
  ]);
  const progress = ctx.progress(`import from ${name}`);
  try {
    const report = await importMlflow({ source, name, target: client, workspace, onProgress: progress.update });
    const exit = report.verified ? 0 : 1;
    return ctx.human ? text(reportText(report), exit) : one(report, undefined, exit);
  } finally {
    progress.end();
  }
}

function reportText(report: ImportReport): string {
  const rows = Object.entries(report.counts).map(([kind, counts]) => [
    kind.replaceAll("_", " "),
    ...[counts.source, counts.copied, counts.equal].map(String),
  ]);
  const lines = [["", "source", "copied", "equal"], ...rows].map(
    ([kind = "", ...numbers]) => `${kind.padEnd(16)}${numbers.map((number) => number.padStart(12)).join("")}\n`,
  );
  const problems = report.problems.map(({ about, message }) => `  ${about}: ${message}\n`);
  const last = report.verified
    ? `Everything is in workspace ${report.workspace}; ${bytesText(report.artifact_bytes)} of artifacts have equal SHA-256 checksums.\n`
    : `${problems.length} problems; the rest is in workspace ${report.workspace}. Run the same command again to go on.\n`;
  return `${lines.join("")}${problems.join("")}${last}`;
}

export const importNoun: Noun = {
  brief: "Move in from elsewhere",
  verbs: {
    mlflow: command({
      brief:
        "Copy experiments, runs with their history, artifacts, logged models and the model registry of an MLflow server; run again, it goes on where it was",
      flags: {
        token: flag.text("Token of the MLflow server; default MLFLOW_TRACKING_TOKEN", { placeholder: "token" }),
        mlflow: flag.text("The MLflow program that reads a folder or a database; default `mlflow`", {
          placeholder: "path",
        }),
      },
      args: {
        brief: "Address of the server, an `mlruns` folder, or a database (`sqlite:///mlflow.db`)",
        placeholder: "uri",
      },
      run: async (ctx, flags, [uri]) => {
        if (uri === undefined)
          throw missing("the address of the MLflow server", "`yard import mlflow http://127.0.0.1:5000`");
        const { localStore, withLocalMlflow } = await import("../import/local-mlflow.ts");
        const local = localStore(uri, ctx.io.cwd);
        if (local === undefined) {
          const token = flags.token ?? (ctx.io.env.MLFLOW_TRACKING_TOKEN || undefined);
          return moveServer(ctx, checkUrl(uri, "the address given"), uri, token);
        }
        return withLocalMlflow(ctx.io, flags.mlflow ?? "mlflow", local, (url) => moveServer(ctx, url, uri, undefined));
      },
    }),
    folder: command({
      brief: "Copy what `yard export` wrote into the workspace; run again, it goes on where it was",
      args: { brief: "Folder of a finished export", placeholder: "dir" },
      run: async (ctx, _flags, [dir]) => {
        if (dir === undefined) throw missing("the folder of the export", "`yard import folder ./backup`");
        const { openExport } = await import("../../client/export-folder/open-export.ts");
        return move(ctx, await openExport(resolve(ctx.io.cwd, dir)), dir);
      },
    }),
  },
};
