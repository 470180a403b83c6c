import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "../../src/contract/jobs.ts";
import type { Step } from "../../src/contract/pipelines.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { until } from "./ports.ts";
import { getJob, isOver, type TestServer, waitFor } from "./server.ts";

export interface KilledPipeline {
  readonly job: Job;
  /** How often the command of each step ran, in the steps' order. */
  readonly ran: readonly number[];
  /** Attempts on record, the same way. */
  readonly attempts: readonly number[];
}

const WIDTH = 3;

/** Runs a pipeline of `steps` steps, three chains of them, and kills its server `kills` times meanwhile: each time when some step more has run. */
export async function killPipeline(server: TestServer, steps: number, kills: number): Promise<KilledPipeline> {
  const folder = join(server.dir, "ran");
  mkdirSync(folder);
  const jobs = Object.fromEntries(Array.from({ length: steps }, (_, i) => [`s${i}`, stepOf(i, folder)]));
  const { name } = await server.client.call(routes.create, {
    params: { workspace: "default" },
    body: { spec: { type: "pipeline", jobs } },
  });
  for (let kill = 0; kill < kills; kill++) {
    const enough = Math.ceil(((kill + 1) * (steps - 2)) / (kills + 1));
    await until(() => readdirSync(folder).length >= enough, `${enough} steps to run`);
    await server.kill();
    await server.start();
  }
  const job = await waitFor(server, name, isOver);
  const { items } = await server.client.call(routes.steps, { params: { workspace: "default", name } });
  const files = readdirSync(folder);
  return {
    job,
    ran: Object.keys(jobs).map((step) => files.filter((file) => file.startsWith(`${step}.`)).length),
    attempts: await Promise.all(items.map(async (item) => (await getJob(server, item.job ?? "")).attempts.length)),
  };
}

function stepOf(i: number, folder: string): Step {
  const needs = i < WIDTH ? "" : "[ -e ${{inputs.before}}/f ] && ";
  return {
    type: "command",
    command: `${needs}sleep 0.05 && mktemp '${folder}/s${i}.XXXXXX' && touch ` + "${{outputs.made}}/f",
    environment: "python-3",
    ...(i < WIDTH ? {} : { inputs: { before: `\${{parent.jobs.s${i - WIDTH}.outputs.made}}` } }),
    outputs: { made: {} },
  };
}
