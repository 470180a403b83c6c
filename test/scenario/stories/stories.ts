import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { until } from "../../helpers/ports.ts";
import { makePerson, type Person, type StoryHome } from "./home.ts";
import { SERVING } from "./serving.ts";

/** What people do, in this order, with one home; each leaves what the next ones need. */
export interface Story {
  readonly name: string;
  readonly happen: (me: Person, home: StoryHome) => Promise<void>;
}

const JOB = "wine-1";

export const STORIES: readonly Story[] = [
  {
    name: "sign in",
    async happen(me, home) {
      const signedIn = await home.signIn(me, home.owner, me);

      expect(signedIn, signedIn.err).toMatchObject({ code: 0 });
      expect(await me.json("whoami")).toMatchObject({ name: `user:${home.owner}` });
    },
  },
  {
    name: "create a workspace",
    async happen(me) {
      await me.run("workspace create --name wines --display-name Wines");

      expect((await me.json("workspace list")).map(({ name }: { name: string }) => name)).toContain("wines");
    },
  },
  {
    name: "bring data, and get it back",
    async happen(me) {
      writeFileSync(join(me.folder, "places.csv"), "name\nBern\nChur\n");
      await me.run("data create --name places --version 1 --type uri_file --path places.csv -w wines");

      await me.run("data download --name places --version 1 --download-path got -w wines");

      expect(readFileSync(join(me.folder, "got/places/places.csv"), "utf8")).toBe("name\nBern\nChur\n");
    },
  },
  {
    name: "log a run from a notebook with MLflow's client",
    async happen(me) {
      const { run, steps } = await me.mlflow("log_a_run");

      expect(steps).toBe(5);
      me.memory.set("notebook", run);
    },
  },
  {
    name: "submit examples/quickstart",
    async happen(me) {
      const job = await me.json(`job create --file quickstart/job.yml --name ${JOB} -w wines`);

      expect(job).toMatchObject({ name: JOB, experiment_name: "quickstart" });
      expect(["Queued", "Preparing"]).toContain(job.status);
    },
  },
  {
    name: "watch its log to the end",
    async happen(me) {
      const { code, out, err } = await me.try(`job stream --name ${JOB} -w wines`);

      expect(code, out + err).toBe(0);
      expect(out).toContain("test accuracy");
      expect(out).toContain("model and sample saved");
      const job = await me.json(`job show --name ${JOB} -w wines`);
      expect(job).toMatchObject({ status: "Completed", exit_code: 0 });
      expect(job.attempts).toHaveLength(1);
    },
  },
  {
    name: "read its metrics with MLflow's client",
    async happen(me) {
      const run = await me.mlflow("read_a_run", JOB);

      expect(run).toMatchObject({ status: "FINISHED", found: [JOB] });
      expect(run.metrics.test_accuracy).toBeGreaterThan(0.9);
      expect(run.artifacts).toContain("user_logs");
    },
  },
  {
    name: "find its model registered, and give it a label",
    async happen(me) {
      expect(await me.json("model show --name wine-classifier -w wines")).toMatchObject({ version: "1" });
      await me.run("model label --name wine-classifier --version 1 --label best -w wines");

      const read = await me.mlflow("read_a_model", "wine-classifier", "1");

      expect(read.files).toContain("MLmodel");
    },
  },
  {
    name: "download its outputs and the model",
    async happen(me) {
      await me.run(`job download --name ${JOB} --all --download-path job -w wines`);
      await me.run("model download --name wine-classifier --label best --download-path model -w wines");

      const request = readFileSync(join(me.folder, "job/named-outputs/sample/request.json"), "utf8");
      expect(JSON.parse(request).input_data.data).toHaveLength(2);
      expect(existsSync(join(me.folder, "job/named-outputs/model/MLmodel"))).toBe(true);
      const files = readdirSync(join(me.folder, "model/wine-classifier"), { recursive: true });
      expect(files.some((file) => String(file).endsWith("MLmodel"))).toBe(true);
    },
  },
  {
    name: "run examples/pipeline: component files, a nested pipeline, a branch, a loop",
    async happen(me) {
      const { code, out, err } = await me.try("job create --file pipeline/pipeline.yml --name words --stream -w wines");

      expect(code, out + err).toBe(0);
      const { steps, outputs } = await me.json("job show --name words -w wines");
      const states = Object.fromEntries(
        steps.map(({ path, status }: { path: string; status: string }) => [path, status]),
      );
      expect(states).toMatchObject({ nothing: "Skipped", "report/write": "Completed", "letters#1": "Completed" });
      expect(outputs.report.asset).toBe("azureml:word-report:1");
      await me.run("data download --name word-report --version 1 --download-path words -w wines");
      expect(readFileSync(join(me.folder, "words/word-report/report.txt"), "utf8")).toContain("the,4\nsat,2\n");
    },
  },
  {
    name: "cancel a job",
    async happen(me) {
      const spec = "type: command\ncommand: echo begun && sleep 600\nenvironment: {image: 'python:3.12-slim'}\n";
      writeFileSync(join(me.folder, "sleep.yml"), spec);
      await me.run("job create --file sleep.yml --name sleeper -w wines");
      await until(
        async () => (await me.json("job show --name sleeper -w wines")).status === "Running",
        "the job to run",
        120_000,
      );

      await me.run("job cancel --name sleeper --reason enough --yes -w wines");

      expect(await me.json("job show --name sleeper -w wines")).toMatchObject({
        status: "Canceled",
        status_reason: "enough",
      });
    },
  },
  {
    name: "register a model of one's own",
    async happen(me) {
      writeFileSync(join(me.folder, "weights.json"), "[1, 2]\n");
      await me.run("model create --name weights --version 1 --path weights.json -w wines");
      await me.run("model download --name weights --version 1 --download-path model -w wines");

      expect(readFileSync(join(me.folder, "model/weights/weights.json"), "utf8")).toBe("[1, 2]\n");
    },
  },
  ...SERVING,
  {
    name: "be refused as a reader",
    async happen(me, home) {
      const bob = makePerson(home, join(me.folder, "bob"));
      await me.run("member create --name bob@example.org --role reader -w wines");
      const signedIn = await home.signIn(bob, "bob@example.org", me);

      const seen = await bob.run("model list -o json -w wines");
      const refused = await bob.try("job create --file quickstart/job.yml -w wines");
      const deleted = await bob.try("model delete --name weights --version 1 --yes -w wines");

      expect(signedIn, signedIn.err).toMatchObject({ code: 0 });
      expect(seen).toContain("weights");
      for (const { code, err } of [refused, deleted]) {
        expect(code).not.toBe(0);
        expect(err).toContain("may not");
      }
    },
  },
  {
    name: "delete",
    async happen(me) {
      await me.run("model delete --name weights --version 1 --yes -w wines");
      const gone = await me.try("model show --name weights --version 1 -w wines");
      const full = await me.try("workspace delete --name wines --yes");
      await me.run("workspace create --name spare");
      await me.run("workspace delete --name spare --yes");

      expect(gone.code).not.toBe(0);
      expect(full.code).not.toBe(0);
      expect((await me.json("workspace list")).map(({ name }: { name: string }) => name)).not.toContain("spare");
    },
  },
];
