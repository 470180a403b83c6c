import { randomBytes } from "node:crypto";
import { jobs } from "../../client/routes.ts";
import type { CreateJob, Job } from "../../contract/jobs.ts";
import type { Ctx } from "../context.ts";
import { bad, type Finding, look, ok } from "./finding.ts";

/** A first image takes minutes to be built, and a first machine to start. */
const LIMIT_MS = 20 * 60_000;
const FIX = "`yard job show -n NAME` and `yard job stream -n NAME` tell more; the job stays for you to look at";
/** Statuses of a job that ends well, in their order; the first ones may be too short to be written. */
const WAY = ["Queued", "Preparing", "Provisioning", "Running", "Finalizing", "Completed"];

/** Runs a real job of a few seconds on the home's own compute, from submission to the log; in AWS through every container, and the image that is built for it once. */
export async function smoke(ctx: Ctx): Promise<Finding[]> {
  const { client, workspace } = await ctx.link();
  const name = `smoke-${randomBytes(6).toString("hex")}`;
  const mark = `trainyard ${name}`;
  const body: CreateJob = {
    spec: {
      type: "command",
      command: `echo ${mark}`,
      environment: "azureml:python-3@latest",
      compute: "local",
      experiment_name: "doctor",
    },
  };
  const signal = AbortSignal.any([ctx.io.signal, AbortSignal.timeout(LIMIT_MS)]);
  const progress = ctx.progress(`job ${name}`);
  let log = "";
  const ran = await look("job", FIX, async () => {
    await client.call(jobs.put, { params: { workspace, name }, body });
    const { followLog } = await import("../../client/follow-log.ts");
    await followLog(client, workspace, name, {
      signal,
      onText: (text) => {
        log += text;
      },
    });
    return wayOf(await client.call(jobs.get, { params: { workspace, name }, query: {} }));
  });
  progress.end();
  if (ran.verdict === "bad") return [ran];
  return [ran, log.includes(mark) ? ok("log", "has what the job said") : bad("log", "has not what the job said", FIX)];
}

function wayOf({ name, status, status_reason, history }: Job): Finding {
  const way = history.map((change) => change.status);
  const said = way.join(", ");
  if (status !== "Completed") return bad("job", `${name} became ${said}: ${status_reason ?? "without a reason"}`, FIX);
  const places = way.map((each) => WAY.indexOf(each));
  if (places.some((place, i) => place < (places[i - 1] ?? 0))) return bad("job", `${name} went astray: ${said}`, FIX);
  const [first, last] = [history[0], history.at(-1)].map((change) => Date.parse(change?.at ?? ""));
  return ok("job", `${name}: ${said} in ${Math.round(((last ?? 0) - (first ?? 0)) / 1000)} s`);
}
