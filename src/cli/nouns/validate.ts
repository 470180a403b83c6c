import { AppError } from "../../contract/errors.ts";
import { command, flag, type Noun } from "../command.ts";
import { makeFileReader } from "../file-reader.ts";
import { placeText } from "../output/error.ts";
import { list, text } from "../output/shown.ts";

export const validate: Noun = {
  brief: "Check spec files of any kind; needs no home",
  only: command({
    brief: "Check spec files of any kind, with file, line and field of what is wrong; exit code 1 when any is invalid",
    flags: {
      kind: flag.text("What the files are, when they don't tell: job, component, environment, data, model, ...", {
        short: "k",
        placeholder: "kind",
      }),
      file: flag.many("The same as an argument", { short: "f", placeholder: "file", hidden: true }),
    },
    args: { brief: "Spec files", placeholder: "file", many: true, optional: true },
    run: async (ctx, flags, args) => {
      const files = [...args, ...flags.file];
      if (files.length === 0)
        throw new AppError("InvalidArgument", "no file is named", { hint: "`yard validate job.yml`" });
      const [{ validateFile }, { kindOfWord, kindWords }] = await Promise.all([
        import("../../spec/validate.ts"),
        import("../../spec/detect.ts"),
      ]);
      if (flags.kind !== undefined && kindOfWord(flags.kind) === undefined) {
        throw new AppError("InvalidArgument", `\`${flags.kind}\` is not a kind`, {
          hint: `kinds: ${kindWords().join(", ")}`,
        });
      }
      const reader = makeFileReader(ctx.io.cwd);
      const options = flags.kind === undefined ? {} : { kind: flags.kind };
      const reports = files.map((file) => ({ ...validateFile(reader, file, options), file }));
      const exit = reports.every((report) => report.valid) ? 0 : 1;
      if (!ctx.human) return list(reports, [], exit);
      const lines = reports.flatMap((report) => [
        `${report.valid ? "ok     " : "INVALID"}  ${report.file}${report.kind === "" ? "" : `  (${report.kind})`}\n`,
        ...report.errors.map((error) => `  error: ${placeText(error)}\n`),
        ...report.warnings.map((warning) => `  warning: ${placeText(warning)}\n`),
      ]);
      return text(lines.join(""), exit);
    },
  }),
};
