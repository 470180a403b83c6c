import { command, flag, type Noun } from "../command.ts";
import type { Ctx } from "../context.ts";
import type { Finding } from "../doctor/finding.ts";
import { list, text } from "../output/shown.ts";

const BRIEF = "Look for what would hinder a home: this machine, the home that is known here, an AWS account";

const MARKS = { ok: "ok     ", warning: "warning", bad: "BAD    " } as const;

export const doctor: Noun = {
  brief: BRIEF,
  only: command({
    brief: `${BRIEF}; exit code 1 when something is bad`,
    flags: {
      aws: flag.is("Looks at the AWS account of your credentials, too: quotas, roles, region, bootstrap"),
      smoke: flag.is("Runs a real job of a few seconds on the home; in AWS its first image takes minutes to build"),
      region: flag.text("AWS region; default: AWS_REGION", { placeholder: "region" }),
    },
    run: async (ctx, { aws, smoke, region }) => {
      const [{ lookAtHome }, { lookAtMachine }] = await Promise.all([
        import("../doctor/home.ts"),
        import("../doctor/machine.ts"),
      ]);
      const home = await lookAtHome(ctx);
      const runsHere = home.some(
        ({ part, verdict, says }) => part === "home" && verdict === "ok" && says.includes(":7878"),
      );
      const findings = [
        ...(await lookAtMachine(ctx.io, runsHere)),
        ...home,
        ...(aws ? await lookAtAws(ctx, region) : []),
        ...(smoke ? await (await import("../doctor/smoke.ts")).smoke(ctx) : []),
      ];
      const exit = findings.some(({ verdict }) => verdict === "bad") ? 1 : 0;
      return ctx.human ? text(findings.map(lineOf).join(""), exit) : list(findings, [], exit);
    },
  }),
};

async function lookAtAws(ctx: Ctx, asked: string | undefined): Promise<Finding[]> {
  const [{ lookAtAccount }, { openAwsApi }, { findAwsCredentials }, { bad }] = await Promise.all([
    import("../doctor/account.ts"),
    import("../doctor/aws-api.ts"),
    import("../sign-in/aws-credentials.ts"),
    import("../doctor/finding.ts"),
  ]);
  const { env, signal } = ctx.io;
  const region = asked ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (region === undefined) return [bad("account", "no region is named", "`--region eu-central-1`, or AWS_REGION")];
  try {
    const credentials = await findAwsCredentials(env);
    const aws = openAwsApi({ credentials, region, endpoint: env.AWS_ENDPOINT_URL, signal });
    return await lookAtAccount(aws, region, () => Date.now());
  } catch (error) {
    return [bad("account", (error as Error).message, "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")];
  }
}

function lineOf({ part, verdict, says, fix }: Finding): string {
  const advice = verdict === "ok" || fix === undefined || fix === "" ? "" : `         ${fix}\n`;
  return `${MARKS[verdict]}  ${part}: ${says}\n${advice}`;
}
