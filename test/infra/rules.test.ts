import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { pythonWith, runPython } from "../helpers/python.ts";
import { assembly, type Variant } from "./templates.ts";

const VARIANTS: readonly Variant[] = ["plain", "passing", "given"];

interface Report {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly Violation[];
    readonly suppressedViolations?: readonly Violation[];
  }[];
}

interface Violation {
  readonly ruleName: string;
  readonly description: string;
  readonly violatingConstructs: readonly { readonly constructPath: string }[];
}

function findingsOf(violations: readonly Violation[] = []): readonly string[] {
  return violations.flatMap(({ description, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => `${constructPath}: ${description}`),
  );
}

describe("cdk-nag's AwsSolutions", () => {
  test.each(VARIANTS)("has nothing to say of the %s home that has no reason", async (variant) => {
    const file = join(await assembly(variant), "validation-report.json");

    const { pluginReports } = JSON.parse(readFileSync(file, "utf8")) as Report;

    expect(pluginReports.map(({ pluginName }) => pluginName)).toEqual(["AwsSolutions"]);
    expect(pluginReports.flatMap(({ violations }) => findingsOf(violations))).toEqual([]);
  });
});

test.each(VARIANTS)("the %s home asks the account for nothing when it is synthesized", async (variant) => {
  const manifest = JSON.parse(readFileSync(join(await assembly(variant), "manifest.json"), "utf8"));

  expect(manifest.missing ?? []).toEqual([]);
});

/** Rules that say nothing of ours. */
const IGNORED = {
  W3005: "the CDK makes each function depend on its role by name, besides by reference",
};

test("cfn-lint finds nothing in any template", { timeout: 180_000 }, async () => {
  const python = await pythonWith(["cfn-lint==1.58.0"]);
  const folders = await Promise.all(VARIANTS.map(assembly));
  const templates = folders.map((folder) => join(folder, "*.template.json"));

  const { code, stdout, stderr } = await runPython(
    python,
    [
      join(dirname(python), "cfn-lint"),
      "--format",
      "parseable",
      "--ignore-checks",
      ...Object.keys(IGNORED),
      "--",
      ...templates,
    ],
    {},
  );

  expect(`${stdout}${stderr}`).toBe("");
  expect(code).toBe(0);
});
