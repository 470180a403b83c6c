import { AppError } from "../../contract/errors.ts";
import { command, flag, type Noun } from "../command.ts";
import { CONFIG_KEYS, type Config, type ConfigKey, configPath, readConfig, writeConfig } from "../config-file.ts";
import { checkUrl } from "../find-address.ts";
import { list, nothing, one, text } from "../output/shown.ts";

function keyOf(name: string | undefined): ConfigKey {
  const wanted = name === "url" ? "address" : name;
  const key = CONFIG_KEYS.find((known) => known === wanted);
  if (key !== undefined) return key;
  throw new AppError("InvalidArgument", `\`${name}\` is not a setting`, {
    hint: `settings: ${CONFIG_KEYS.join(", ")}`,
  });
}

/** Tokens are secrets; a list shows that there is one. */
function shownValue(key: ConfigKey, value: string): string {
  return key === "token" ? `${value.slice(0, 4)}…` : value;
}

function assignments(args: readonly string[]): [ConfigKey, string][] {
  const [first, second] = args;
  if (args.length === 2 && first !== undefined && second !== undefined && !first.includes("="))
    return [[keyOf(first), second]];
  return args.map((arg) => {
    const at = arg.indexOf("=");
    if (at > 0) return [keyOf(arg.slice(0, at)), arg.slice(at + 1)];
    throw new AppError("InvalidArgument", `\`${arg}\` is not KEY=VALUE`, { hint: "`yard config set workspace=team`" });
  });
}

export const config: Noun = {
  brief: "Defaults of this machine: workspace, address, token",
  verbs: {
    set: command({
      brief: "Set defaults: KEY VALUE, or KEY=VALUE ...",
      args: { brief: "workspace, address or token, with its value", placeholder: "key=value", many: true },
      run: async (ctx, _flags, args) => {
        const changed: Partial<Record<ConfigKey, string>> = { ...readConfig(ctx.io.env) };
        for (const [key, value] of assignments(args)) {
          if (value === "")
            throw new AppError("InvalidArgument", `\`${key}\` has no value`, {
              hint: `\`yard config unset ${key}\` removes it`,
            });
          changed[key] = key === "address" ? checkUrl(value, "address") : value;
        }
        writeConfig(ctx.io.env, changed);
        return nothing();
      },
    }),
    get: command({
      brief: "Show one default",
      args: { brief: "workspace, address or token", placeholder: "key" },
      run: async (ctx, _flags, args) => {
        const key = keyOf(args[0]);
        const value = readConfig(ctx.io.env)[key];
        if (value === undefined)
          throw new AppError("NotFound", `\`${key}\` is not set`, { hint: `\`yard config set ${key} VALUE\`` });
        return text(`${value}\n`);
      },
    }),
    list: command({
      brief: "Show all defaults",
      run: async (ctx) => {
        const settings: Config = readConfig(ctx.io.env);
        const rows = CONFIG_KEYS.flatMap((key) => {
          const value = settings[key];
          return value === undefined ? [] : [{ key, value: shownValue(key, value), file: configPath(ctx.io.env) }];
        });
        return list(rows, [
          { head: "Key", of: (row) => row.key },
          { head: "Value", of: (row) => row.value },
          { head: "File", of: (row) => row.file },
        ]);
      },
    }),
    unset: command({
      brief: "Remove defaults",
      args: { brief: "workspace, address or token", placeholder: "key", many: true },
      run: async (ctx, _flags, args) => {
        const left: Partial<Record<ConfigKey, string>> = { ...readConfig(ctx.io.env) };
        for (const arg of args) delete left[keyOf(arg)];
        writeConfig(ctx.io.env, left);
        return nothing();
      },
    }),
    mlflow: command({
      brief: 'What an MLflow client outside of a job needs; `eval "$(yard config mlflow)"`',
      flags: { shell: flag.choice("Form of the lines", ["sh", "fish", "powershell"]) },
      run: async (ctx, flags) => {
        const { address, workspace } = await ctx.link();
        const settings = {
          MLFLOW_TRACKING_URI: `${address.url}/w/${workspace}`,
          ...(address.token === undefined ? {} : { MLFLOW_TRACKING_TOKEN: address.token }),
        };
        if (ctx.format !== undefined && ctx.format !== "table") return one(settings);
        const lines = Object.entries(settings).map(([name, value]) => {
          if (flags.shell === "fish") return `set -gx ${name} '${value}'`;
          return flags.shell === "powershell" ? `$env:${name} = '${value}'` : `export ${name}='${value}'`;
        });
        return text(`${lines.join("\n")}\n`);
      },
    }),
  },
};
