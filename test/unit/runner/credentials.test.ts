import { STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished, test, vi } from "vitest";
import type { RunCredentials } from "../../../src/contract/runner.ts";
import { planCredentials, serveCredentials } from "../../../src/runner/containers/credentials.ts";
import { openHome } from "../../../src/runner/home.ts";
import { baseAssignment, tempFolder } from "../../helpers/attempt.ts";
import { startFakeHome } from "../../helpers/fake-home.ts";

const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
const HOUR_MS = 3_600_000;

/** A home that lends keys for an hour of a clock that the test moves, numbered from 1. */
async function openLender() {
  const clock = { ms: START_MS };
  let asked = 0;
  const credentials = (): RunCredentials => ({
    access_key_id: `AKIA${++asked}`,
    secret_access_key: "secret",
    session_token: "session",
    expires_at: new Date(clock.ms + HOUR_MS).toISOString(),
    region: "eu-central-1",
    artifacts: "s3://b/ws/default/artifacts/1/r1/artifacts/",
    outputs: "s3://b/ws/default/datastore/azureml/r1/",
  });
  const fake = await startFakeHome({ assignment: baseAssignment, credentials });
  onTestFinished(() => fake.stop());
  return { fake, home: homeAt(fake.url), clock };
}

function homeAt(apiUrl: string, unableMs?: number) {
  const folder = tempFolder();
  const of = { workspace: "default", runId: "r1", attemptId: "r1.1", token: "t" };
  return openHome({ ...of, apiUrl, folder, cacheDir: folder, sameHost: false }, new AbortController(), unableMs);
}

async function open() {
  const lender = await openLender();
  const plan = await planCredentials(lender.home, () => {}, new AbortController().signal);
  if (plan === undefined) throw new Error("nothing was planned");
  const server = await serveCredentials(lender.home, plan.place, () => lender.clock.ms);
  onTestFinished(() => server.close());
  const address = plan.variables.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? "";
  const get = (token = plan.place.token) => fetch(address, { headers: { authorization: token } });
  const key = async () => ((await (await get()).json()) as { AccessKeyId: string }).AccessKeyId;
  return { ...lender, plan, address, get, key };
}

test("an SDK finds them by the command's variables alone", async () => {
  const { plan } = await open();
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  for (const [name, value] of Object.entries(plan.variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());

  const { config } = new STSClient({});

  expect(await config.region()).toBe("eu-central-1");
  expect(await config.credentials()).toMatchObject({
    accessKeyId: "AKIA1",
    secretAccessKey: "secret",
    sessionToken: "session",
    expiration: new Date(START_MS + HOUR_MS),
  });
});

test("who has not the token gets nothing", async () => {
  const { address, get } = await open();

  expect((await get("another")).status).toBe(401);
  expect((await fetch(address)).status).toBe(401);
  expect((await fetch(`${address}/other`)).status).toBe(404);
});

test("they are renewed when less than ten minutes are left, once for all who ask", async () => {
  const { clock, key } = await open();

  clock.ms += 50 * 60_000;
  expect(await key()).toBe("AKIA1");
  clock.ms += 1;
  expect(await Promise.all([key(), key(), key()])).toEqual(["AKIA2", "AKIA2", "AKIA2"]);
  expect(await key()).toBe("AKIA2");
});

test("while the home is away, those that still hold are given", async () => {
  const { clock, key, get, fake } = await open();
  fake.down = true;

  clock.ms += 55 * 60_000;
  expect(await key()).toBe("AKIA1");
  clock.ms += 5 * 60_000;
  expect((await get()).status).toBe(503);
  fake.down = false;
  expect(await key()).toBe("AKIA2");
});

test("a home that lends none makes no warning; one that fails to does", async () => {
  const broken = () => {
    throw new Error("no such role");
  };
  const laptop = await startFakeHome({ assignment: baseAssignment });
  const failing = await startFakeHome({ assignment: baseAssignment, credentials: broken });
  onTestFinished(() => Promise.all([laptop.stop(), failing.stop()]).then(() => undefined));
  const said: string[] = [];
  const plan = (url: string) =>
    planCredentials(homeAt(url, 1), (line) => said.push(line), new AbortController().signal);

  expect(await plan(laptop.url)).toBeUndefined();
  expect(said).toEqual([]);
  expect(await plan(failing.url)).toBeUndefined();
  expect(said).toEqual([expect.stringMatching(/^warning: the command gets no AWS credentials: /)]);
});
