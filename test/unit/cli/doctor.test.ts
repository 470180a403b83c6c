import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { clockFinding, type Finding } from "../../../src/cli/doctor/finding.ts";
import { yard } from "../../helpers/cli.ts";

function folder(): string {
  const cwd = mkdtempSync(join(tmpdir(), "trainyard-doctor-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  return cwd;
}

async function findings(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, out } = await yard(["doctor", ...args, "-o", "json"], {
    cwd: folder(),
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  const list = JSON.parse(out) as Finding[];
  return { code, of: (part: string) => list.find((finding) => finding.part === part), list };
}

describe("this machine", () => {
  test("is looked at without a home", async () => {
    const { of, list } = await findings([], {});

    expect(list.map(({ part }) => part)).toEqual(["machine", "python", "git", "disk", "port", "home"]);
    expect(of("disk")?.says).toMatch(/GB/);
    expect(of("home")?.says).toContain("none is known");
  });

  test("without a Python that makes environments is bad, and how it gets one", async () => {
    const { code, of } = await findings([], { TRAINYARD_JOB_PYTHON: "/nowhere/python3" });

    expect(code).toBe(1);
    expect(of("python")).toMatchObject({ verdict: "bad", fix: expect.stringContaining("venv") });
  });

  test.each([
    [0, "ok"],
    [45_000, "warning"],
    [-45_000, "warning"],
    [600_000, "bad"],
  ])("with a clock %i ms off is %s", (skewMs, verdict) => {
    const now = Date.parse("2026-06-01T12:00:00Z");

    expect(clockFinding("clock", new Date(now - skewMs).toUTCString(), now).verdict).toBe(verdict);
  });
});

test("a home that does not answer is bad, and nothing more is asked of it", async () => {
  const { code, list } = await findings([], { TRAINYARD_URL: "http://127.0.0.1:9", TRAINYARD_TOKEN: "t" });

  expect(code).toBe(1);
  expect(list.filter(({ verdict }) => verdict === "bad").map(({ part }) => part)).toEqual(["home"]);
});

interface Account {
  /** vCPUs or functions by quota code; absent: only the default is known. */
  readonly quotas?: Readonly<Record<string, number>>;
  readonly missing?: readonly string[];
  readonly isBootstrapped?: boolean;
  readonly refuses?: boolean;
}

/** Answers in the forms of STS, IAM, SSM and Service Quotas. */
async function startAccount(account: Account): Promise<Record<string, string>> {
  const server = createServer(async (request, response) => {
    const { status, body } = answer(account, request, await textOf(request));
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "AKIA",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_REGION: "eu-central-1",
  };
}

function answer(account: Account, { headers }: IncomingMessage, body: string): { status: number; body: string } {
  const json = (status: number, value: object) => ({ status, body: JSON.stringify(value) });
  const target = String(headers["x-amz-target"] ?? "");
  const asked = target === "" ? {} : JSON.parse(body);
  if (account.refuses) {
    return {
      status: 403,
      body: "<E><Error><Code>InvalidClientTokenId</Code><Message>no such key</Message></Error></E>",
    };
  }
  if (body.includes("GetCallerIdentity")) {
    return { status: 200, body: "<R><Arn>arn:aws:iam::111122223333:user/me</Arn><Account>111122223333</Account></R>" };
  }
  if (body.includes("Action=GetRole")) return { status: 404, body: "<E><Code>NoSuchEntity</Code></E>" };
  if (target.endsWith("GetParameters")) {
    const names = asked.Names as string[];
    return json(200, {
      InvalidParameters: names.filter((name) => account.missing?.some((id) => name.endsWith(`/${id}`))),
    });
  }
  if (target.endsWith("GetParameter")) {
    return account.isBootstrapped
      ? json(200, { Parameter: { Value: "28" } })
      : json(400, { __type: "ParameterNotFound" });
  }
  const known = account.quotas?.[asked.QuotaCode];
  if (target.endsWith("GetServiceQuota") && known === undefined)
    return json(400, { __type: "x#NoSuchResourceException" });
  return json(200, { Quota: { Value: known ?? 5 } });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

describe("an account", () => {
  test("that can take a home, with what its jobs would wait for", async () => {
    const env = await startAccount({ isBootstrapped: true, quotas: { "L-1216C47A": 256, "L-DB2E81BA": 0 } });

    const { code, of } = await findings(["--aws"], env);

    expect(of("account")?.says).toBe("111122223333 as arn:aws:iam::111122223333:user/me");
    expect(of("clock of AWS")?.verdict).toBe("ok");
    expect(of("bootstrap")).toMatchObject({ verdict: "ok", says: "version 28" });
    expect(of("quota ec2 L-1216C47A")).toMatchObject({ verdict: "ok", says: expect.stringMatching(/^256 vCPUs/) });
    expect(of("quota ec2 L-DB2E81BA")).toMatchObject({
      verdict: "warning",
      fix: expect.stringContaining("request-service-quota-increase --service-code ec2 --quota-code L-DB2E81BA"),
    });
    expect(of("quota ec2 L-34B43A08")).toMatchObject({ verdict: "warning", says: expect.stringMatching(/^5 vCPUs/) });
    expect(of("AWSServiceRoleForBatch")?.verdict).toBe("warning");
    expect(code).toBe(0);
  });

  test("that can't, and why", async () => {
    const { code, of } = await findings(["--aws"], await startAccount({ missing: ["batch", "codebuild"] }));

    expect(code).toBe(1);
    expect(of("region")?.says).toBe("eu-central-1 has no batch, codebuild");
    expect(of("bootstrap")).toMatchObject({ verdict: "bad", fix: expect.stringContaining("npx cdk bootstrap") });
  });

  test("that knows nobody of this key is asked for nothing more", async () => {
    const { code, of, list } = await findings(["--aws"], await startAccount({ refuses: true }));

    expect(code).toBe(1);
    expect(of("account")?.says).toBe("InvalidClientTokenId: no such key");
    expect(list.at(-1)?.part).toBe("account");
  });
});
