import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type AnswerStream, answerScoring } from "../../../lambdas/home/score.ts";
import type { Answered, Broken } from "../../../src/adapters/aws/lambda-host/invoke.ts";
import { AppError } from "../../../src/contract/errors.ts";
import type { HttpEvent, HttpPrelude } from "../../../src/contract/replica.ts";
import type { EndpointRoute } from "../../../src/core/endpoints/route.ts";

const KEY = "a-key";
const ROUTE: EndpointRoute = {
  workspace: "wines",
  name: "prices",
  birth: "b",
  authMode: "key",
  keyHashes: [createHash("sha256").update(KEY).digest("hex")],
  traffic: { blue: 100, green: 0 },
  mirrorTraffic: {},
  targets: { blue: { handle: "f-blue", limitMs: 5500 }, green: { handle: "f-green", limitMs: 5500 } },
};

interface Given {
  readonly route?: EndpointRoute;
  readonly answer?: Answered | Broken | Error;
  readonly copyFails?: boolean;
}

function answered(body: string, breaksOff = false): Answered {
  async function* chunks() {
    yield Buffer.from(body);
    if (breaksOff) throw new Error("gone");
  }
  return { prelude: { statusCode: 200, headers: { "content-type": "application/json", mine: "1" } }, body: chunks() };
}

/** What a caller of the address gets. */
async function ask(event: Partial<HttpEvent>, { route, answer = answered("[1]"), copyFails = false }: Given = {}) {
  const asked: [string, HttpEvent][] = [];
  const copied: string[] = [];
  const faults: string[] = [];
  const written: Buffer[] = [];
  const out = Object.assign(
    new Writable({
      write(chunk, _, done) {
        written.push(Buffer.from(chunk));
        done();
      },
    }),
    { setContentType: () => undefined },
  ) as AnswerStream;
  const deps = {
    routes: {
      get: async (workspace: string, name: string) =>
        workspace === "wines" && name === "prices" ? (route ?? ROUTE) : undefined,
    },
    invoker: {
      async ask(name: string, passed: HttpEvent) {
        asked.push([name, passed]);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      async copy(name: string) {
        if (copyFails) throw new Error("throttled");
        copied.push(name);
      },
    },
    ids: { hex32: () => "new-id" },
    log: { info: () => undefined, fault: (message: string) => void faults.push(message) },
    signer: { sign: async () => "", verify: async () => undefined },
    clock: { now: () => 0 },
    readToken: async () => {
      throw new AppError("Unauthenticated", "nobody");
    },
  };
  await answerScoring(deps, { ...EVENT, ...event }, out);
  const bytes = Buffer.concat(written);
  const end = bytes.indexOf(Buffer.alloc(8));
  const prelude = JSON.parse(bytes.subarray(0, end).toString()) as HttpPrelude;
  return {
    ...prelude,
    body: bytes.subarray(end + 8).toString(),
    asked,
    copied,
    faults,
  };
}

const EVENT: HttpEvent = {
  version: "2.0",
  rawPath: "/w/wines/endpoints/prices/score",
  rawQueryString: "a=1",
  headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", "x-amzn-trace-id": "t", host: "h" },
  requestContext: { http: { method: "POST" } },
  body: "[]",
  isBase64Encoded: false,
};

describe("the endpoints' address", () => {
  test("hands a request to the deployment's function, without the caller's secret, and its answer back", async () => {
    const { statusCode, headers, body, asked } = await ask({});

    expect(asked).toEqual([
      [
        "f-blue",
        {
          version: "2.0",
          rawPath: "/score",
          rawQueryString: "a=1",
          headers: { "content-type": "application/json", "x-request-id": "new-id" },
          requestContext: { http: { method: "POST" } },
          body: "[]",
          isBase64Encoded: false,
        },
      ],
    ]);
    expect([statusCode, body]).toEqual([200, "[1]"]);
    expect(headers).toMatchObject({ mine: "1", "x-request-id": "new-id", "azureml-model-deployment": "blue" });
  });

  test("goes to the deployment that the caller names, whatever the traffic", async () => {
    const headers = { ...EVENT.headers, "azureml-model-deployment": "green", "x-request-id": "mine" };

    const named = await ask({ headers });
    const unknown = await ask({ headers: { ...headers, "azureml-model-deployment": "red" } });

    expect(named.asked[0]?.[0]).toBe("f-green");
    expect(named.headers["x-request-id"]).toBe("mine");
    expect([unknown.statusCode, unknown.asked]).toEqual([404, []]);
    expect(JSON.parse(unknown.body)).toMatchObject({ code: "NotFound", request_id: "mine" });
  });

  test.each([
    ["without a key", { headers: {} }],
    ["with another key", { headers: { authorization: "Bearer other" } }],
    ["of an endpoint that is not there", { rawPath: "/w/wines/endpoints/other/score" }],
    ["of no endpoint's path", { rawPath: "/api/v1/workspaces" }],
  ])("answers a stranger %s with 401, whoever is there", async (_, event) => {
    const { statusCode, headers, asked } = await ask(event);

    expect([statusCode, headers["www-authenticate"], asked]).toEqual([401, "Bearer", []]);
  });

  test("copies a share of the requests, and minds nothing of what becomes of them", async () => {
    const route = { ...ROUTE, mirrorTraffic: { green: 100 } };

    const copied = await ask({}, { route });
    const failed = await ask({}, { route, copyFails: true });

    expect([copied.statusCode, copied.copied, copied.asked[0]?.[0]]).toEqual([200, ["f-green"], "f-blue"]);
    expect([failed.statusCode, failed.faults]).toEqual([200, ["a request could not be mirrored"]]);
  });

  test.each([
    ["throttled", 429, "1", "no free function"],
    ["resting", 503, "5", "long rest"],
    ["gone", 503, "1", "online-deployment update"],
    ["too-large", 413, undefined, "6 MB"],
    ["timeout", 504, "1", "in time"],
    ["died", 502, "1", "ended"],
  ] as const)("says in words that a function is %s", async (why, status, retryAfter, words) => {
    const { statusCode, headers, body } = await ask({}, { answer: { why, said: "details" } });

    expect([statusCode, headers["retry-after"]]).toEqual([status, retryAfter]);
    expect(JSON.parse(body).message).toContain(words);
    expect(body).not.toContain("details");
  });

  test("fails where an answer breaks off that has begun, and tells nothing of a fault of its own", async () => {
    const fault = await ask({}, { answer: new Error("secret") });

    await expect(ask({}, { answer: answered("[1,", true) })).rejects.toThrow("gone");
    expect([fault.statusCode, fault.faults]).toEqual([500, ["a scoring request failed"]]);
    expect(fault.body).not.toContain("secret");
  });
});
