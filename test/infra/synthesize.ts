import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { type StageSettings, stageOf } from "../../lib/config/stage.ts";
import { composeHome } from "../../lib/home.ts";

/** Reasons are given for a rule and a construct; that a rule has a finding for each resource it names does not make them more exact: role by role, least-privilege.test.ts lists these. */
class Rules extends AwsSolutionsChecks {
  override validate(...given: Parameters<AwsSolutionsChecks["validate"]>) {
    const report = super.validate(...given);
    const violations = report.violations.map((found) => ({
      ...found,
      ruleName: found.ruleName.replace(/\[.*\]$/s, ""),
      description: `${found.ruleName}: ${found.description}`,
    }));
    return { ...report, violations };
  }
}

const ACCOUNT = "111122223333";

/** Each kind of deployment whose templates are looked at. */
const VARIANTS: Readonly<Record<string, StageSettings>> = {
  /** What somebody gets who says nothing. */
  plain: {},
  /** A home to try things with: nothing stays. */
  passing: { retain: false, dashboard: false },
  /** All that can be brought along. */
  given: {
    signIn: { issuer: "https://login.example.org", clientId: "abc" },
    network: {
      vpcId: "vpc-0a1b2c3d",
      availabilityZones: ["eu-central-1a", "eu-central-1b"],
      privateSubnetIds: ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
    },
    permissionsBoundaryArn: `arn:aws:iam::${ACCOUNT}:policy/bounds`,
    kmsKey: `arn:aws:kms:eu-central-1:${ACCOUNT}:key/6b0b7e7e-0000-4000-8000-000000000000`,
    adopted: [
      "arn:aws:s3:::of-the-team",
      `arn:aws:kms:eu-central-1:${ACCOUNT}:key/7b0b7e7e-0000-4000-8000-000000000000`,
      `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:of-the-team-AbCdEf`,
      `arn:aws:ecr:eu-central-1:${ACCOUNT}:repository/of-the-team`,
    ],
    alarmEmail: "ops@example.org",
  },
};

const [folder = ""] = process.argv.slice(2);
const { context } = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"));
for (const [variant, settings] of Object.entries(VARIANTS)) {
  const outdir = join(folder, variant);
  const app = new App({
    outdir,
    builtinCloudFormationValidation: false,
    context: { ...context, "aws:cdk:bundling-stacks": [], "@aws-cdk/core:failSynthOnValidationErrors": false },
  });
  const stage = stageOf({ stages: { trainyard: settings } }, () => undefined, {
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: "eu-central-1",
  });
  composeHome(app, stage);
  Validations.of(app).addPlugins(new Rules(app));
  const { stacks } = app.synth();
  const names = Object.fromEntries(
    stacks.map(({ stackName, templateFile }) => [stackName.replace("trainyard-", ""), templateFile]),
  );
  writeFileSync(join(outdir, "stacks.json"), JSON.stringify(names));
}
