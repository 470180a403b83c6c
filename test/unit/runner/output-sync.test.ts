import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startOutputSync } from "../../../src/runner/containers/outputs.ts";
import { openHome } from "../../../src/runner/home.ts";
import { baseAssignment, tempFolder } from "../../helpers/attempt.ts";
import { startFakeHome } from "../../helpers/fake-home.ts";
import { until } from "../../helpers/ports.ts";

test("outputs are stored while the command runs, once they rest, and again when they change", async () => {
  const folder = tempFolder();
  const uri = "azureml://datastores/d/paths/out/";
  const outputs = { out: { type: "uri_folder", uri, mode: "upload" as const, is_file: false } };
  const fake = await startFakeHome({ assignment: (url) => ({ ...baseAssignment(url), outputs }) });
  onTestFinished(() => fake.stop());
  const request = {
    apiUrl: fake.url,
    token: "t",
    workspace: "default",
    runId: "r1",
    attemptId: "r1.1",
    folder,
    cacheDir: folder,
    sameHost: false,
  };
  const home = openHome(request, new AbortController());
  const assignment = { ...baseAssignment(fake.url), outputs };
  const out = join(folder, "outputs", "out");
  mkdirSync(out, { recursive: true });
  const write = (name: string, text: string, ageSec: number) => {
    writeFileSync(join(out, name), text);
    utimesSync(join(out, name), Date.now() / 1000 - ageSec, Date.now() / 1000 - ageSec);
  };
  const stored = (name: string) => [...fake.uploads].find(([key]) => key.endsWith(`/${name}`))?.[1].toString();
  write("step-1", "one", 100);
  write("step-2", "half", 0);

  const sync = startOutputSync(
    { home, assignment, work: join(folder, "code") },
    { out },
    { everyMs: 20, quietMs: 50_000 },
  );
  await until(() => stored("step-1") === "one", "the first checkpoint");
  write("step-1", "one more", 90);
  await until(() => stored("step-1") === "one more", "its next version");
  await sync.stop();

  expect(stored("step-2")).toBeUndefined();
});
