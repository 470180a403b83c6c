/** Prints what each compliance pack of cdk-nag says of a plain home, as the table of docs/compliance.md. It fails nothing: some rules ask for what is billed by the hour. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from "cdk-nag";
import { stageOf } from "../lib/config/stage.ts";
import { composeHome } from "../lib/home.ts";

const outdir = mkdtempSync(join(tmpdir(), "trainyard-compliance-"));
const { context } = JSON.parse(readFileSync(new URL("../cdk.json", import.meta.url), "utf8"));
const app = new App({
  outdir,
  builtinCloudFormationValidation: false,
  context: { ...context, "aws:cdk:bundling-stacks": [], "@aws-cdk/core:failSynthOnValidationErrors": false },
});
composeHome(
  app,
  stageOf({ stages: { trainyard: {} } }, () => undefined, {}),
);
Validations.of(app).addPlugins(new HIPAASecurityChecks(app), new NIST80053R5Checks(app), new PCIDSS321Checks(app));
app.synth();

interface Report {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly { readonly ruleName: string; readonly violatingConstructs: readonly unknown[] }[];
  }[];
}
const { pluginReports } = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8")) as Report;
rmSync(outdir, { recursive: true });

const counts = new Map<string, Map<string, number>>();
for (const { pluginName, violations } of pluginReports) {
  for (const { ruleName, violatingConstructs } of violations) {
    const rule = ruleName.slice(pluginName.length + 1).replace(/\[.*\]$/s, "");
    const of = counts.get(rule) ?? new Map<string, number>();
    counts.set(rule, of.set(pluginName, (of.get(pluginName) ?? 0) + violatingConstructs.length));
  }
}
const packs = pluginReports.map(({ pluginName }) => pluginName);
console.log(`| rule | ${packs.join(" | ")} |\n| --- | ${packs.map(() => "--:").join(" | ")} |`);
for (const [rule, of] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
  console.log(`| ${rule} | ${packs.map((pack) => of.get(pack) ?? 0).join(" | ")} |`);
}
