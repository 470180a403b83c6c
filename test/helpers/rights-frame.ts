import { join } from "node:path";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import type { ApiRequest } from "../../src/api/raw-route.ts";
import { toResponse } from "../../src/api/reply.ts";
import { createToken } from "../../src/core/access/tokens.ts";
import { signDeploymentToken, signPersonalToken, signRunToken, signUserToken } from "../../src/core/auth/tokens.ts";
import { ensureWorkspace, putWorkspace } from "../../src/core/workspaces/put-workspace.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { compose as composeLaptop } from "../../src/local/compose.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { handleAsAws } from "./aws-home.ts";
import { openEmptyAws } from "./empty-aws.ts";
import { jobRecord, newJobRun } from "./job-record.ts";
import { makeTempDir } from "./ports.ts";

/** The rights of the custom role that one caller has. */
export const CUSTOM_RIGHTS = ["job/read", "job/create", "tracking/*", "model/read", "*/score"] as const;

/** Every kind of caller there is, with the credentials it sends. */
export type Credentials = Readonly<Record<string, string>>;

export interface RightsHome {
  /** `Authorization` headers by caller. */
  readonly credentials: Credentials;
  handle(request: ApiRequest): Promise<Response>;
  close(): Promise<void>;
}

/** Runs that are there: `own` and `another` in workspace `default`, `ended` there too but over for long, `own` in workspace `other`. */
export const RUN = "own";

/** A whole home of either kind over this machine's adapters, with members, tokens and runs. */
export async function openRightsHome(kind: "laptop" | "aws"): Promise<RightsHome> {
  const temp = makeTempDir();
  const dataDir = join(temp.path, "home");
  const home = await openHome({ dir: dataDir });
  const ground = {
    ...home,
    settings: { port: 0, dataDir, programs: { runner: "", serving: "" }, runnerBundle: undefined, urlMap: undefined },
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "http://127.0.0.1:1",
  };
  const stores = openStores(ground);
  const places = { ...ground, ...stores, digest: makeDigest() };
  await ensureWorkspace(places, "default");
  await putWorkspace(places, { name: "other", spec: {}, actor: "user:owner" });
  for (const [workspace, name, endedMs] of RUNS(home.clock.now())) {
    const record = jobRecord(workspace, name, endedMs === undefined ? {} : { endedMs });
    await stores.jobs.create(record, newJobRun(workspace, name), deed("create"));
  }
  const credentials = await makeCredentials(ground, stores);
  const laptop = kind === "laptop" ? composeLaptop(ground) : undefined;
  const aws = kind === "aws" ? await openAws(ground) : undefined;
  await laptop?.start();
  return {
    credentials,
    async handle(request) {
      if (laptop !== undefined) return toResponse(await laptop.handle(request));
      if (aws !== undefined) return aws.handle(request);
      throw new Error("no home");
    },
    async close() {
      await laptop?.close();
      aws?.close();
      await home.close();
      temp.remove();
    },
  };
}

/** The API's function, with a queue that takes its messages. */
async function openAws(ground: Parameters<typeof handleAsAws>[0]) {
  const { url, close } = await openEmptyAws();
  const env = { AWS_ENDPOINT_URL: url, AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" };
  Object.assign(process.env, env);
  return { handle: handleAsAws(ground), close };
}

const RUNS = (nowMs: number): readonly (readonly [workspace: string, name: string, endedMs?: number])[] => [
  ["default", "own"],
  ["default", "another"],
  ["default", "ended", nowMs - 16 * 60_000],
  ["other", "own"],
];

const deed = (action: string) => ({ actor: "user:owner", action, summary: action });

/** Members have tokens that their own roles bound; only those called so hold the home's key. */
async function makeCredentials(ground: Parameters<typeof openStores>[0], stores: Stores): Promise<Credentials> {
  const { signer } = ground;
  const deps = { ...ground, ...stores };
  const nowSec = Math.floor(ground.clock.now() / 1000);
  const member = async (person: string, workspace: string, role: string) => {
    const record = { workspace, person, role, createdAt: new Date(0).toISOString(), createdBy: "user:owner", rev: 1 };
    await stores.members.put(record, 0, "user:owner");
    return record;
  };
  const token = async (person: string, roles?: Readonly<Record<string, string>>) => {
    const grants = await stores.members.grantsOf(person);
    const caller = { kind: "user", name: `user:${person}`, grants } as const;
    return createToken(deps, { caller, name: "own", days: 30, ...(roles === undefined ? {} : { roles }) });
  };
  const made = { createdAt: new Date(0).toISOString(), createdBy: "user:owner", rev: 1 };
  await stores.roles.put({ workspace: "default", name: "custom", rights: CUSTOM_RIGHTS, ...made }, 0, "user:owner");
  await member("sam", "other", "owner");
  await stores.iamLinks.put({ principal: "000000000000:role:Readers", person: "rita", ...made }, "user:owner");
  await member("rita", "default", "reader");
  await member("carl", "default", "contributor");
  await member("wanda", "default", "owner");
  await member("cleo", "default", "custom");
  await member("olga", "*", "owner");
  const left = await member("fred", "default", "owner");
  const former = (await token("fred")).token;
  await stores.members.delete(left, "user:owner");
  const revoked = await token("olga");
  await stores.tokens.delete(revoked.record, "user:olga");
  const olga = (await token("olga")).token;
  const key = await signUserToken(signer, { name: "root", roles: { "*": "owner" }, id: "root" });
  const tokens = {
    forged: `${olga.split(".")[0]}.${key.split(".")[1]}`,
    expiredKeyToken: await signUserToken(signer, {
      name: "x",
      roles: { "*": "owner" },
      id: "x",
      expiresSec: nowSec - 1,
    }),
    expiredToken: await signPersonalToken(signer, {
      jti: "0".repeat(32),
      sub: "olga",
      roles: { "*": "owner" },
      exp: nowSec - 1,
    }),
    revokedToken: revoked.token,
    formerMember: former,
    otherOwner: (await token("sam")).token,
    reader: (await token("rita")).token,
    contributor: (await token("carl")).token,
    workspaceOwner: (await token("wanda")).token,
    custom: (await token("cleo")).token,
    ownerAsReader: (await token("olga", { default: "reader" })).token,
    owner: olga,
    keyHolder: key,
    run: await signRunToken(signer, "default", "own"),
    anotherRun: await signRunToken(signer, "default", "another"),
    runElsewhere: await signRunToken(signer, "other", "own"),
    endedRun: await signRunToken(signer, "default", "ended"),
    runThatNeverWas: await signRunToken(signer, "default", "never"),
    deployment: await signDeploymentToken(signer, "default", "some-endpoint", "blue"),
    deploymentElsewhere: await signDeploymentToken(signer, "other", "some-endpoint", "blue"),
  };
  const bearer = Object.fromEntries(Object.entries(tokens).map(([caller, it]) => [caller, `Bearer ${it}`]));
  const iamCaller = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/execute-api/aws4_request, Signature=00";
  // What MLflow clients send for MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
  const readerByPassword = `Basic ${Buffer.from(`anybody:${tokens.reader}`).toString("base64")}`;
  return { ...bearer, readerByPassword, iamCaller, forgedIamCaller: iamCaller };
}
