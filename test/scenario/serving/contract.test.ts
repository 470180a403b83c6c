import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTempDir, until } from "../../helpers/ports.ts";

const LAUNCH = fileURLToPath(new URL("../../../python/serving/launch.py", import.meta.url));

const SCRIPT = `
import json, sys, time
from azureml.contrib.services.aml_response import AMLResponse
def init():
    pass
def run(raw_data, request_headers):
    try:
        do = json.loads(raw_data)["do"]
    except Exception:
        do = None
    if do == "raise": raise ValueError("x")
    if do == "slow": time.sleep(5)
    if do == "exit": sys.exit(3)
    if do == "set": return {1, 2}
    if do == "nan": return [float("nan")]
    if do == "none": return None
    if do == "text": return json.dumps({"a": 1})
    if do == "bytes": return b"x"
    if do == "tuple": return {"e": 1}, 418
    if do == "e": return "é"
    if do == "201": return AMLResponse("x", 201, {"x-mine": "a, b"})
    if do == "503": return AMLResponse("x", 503, {"x-mine": "a, b"})
    if do == "json": return AMLResponse({"a": 1}, 200, {}, json_str=True)
    return {"type": type(raw_data).__name__, "raw": raw_data, "len": len(raw_data), "mine": request_headers.get("X-Mine")}
`;

const RAW = `
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init():
    pass
@rawhttp
def run(request):
    if request.method == "GET":
        return AMLResponse(str.encode(request.full_path), 200)
    if request.files:
        return {name: [len(file.read()), file.filename] for name, file in request.files.items()}
    return AMLResponse(request.get_data(), 200, {"Content-Type": "image/png", "x-type": request.headers["content-type"]})
`;

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

/** Our own model server with the system's Python, which has nothing installed that it could lean on. */
function serveScript(script: string) {
  const temp = makeTempDir();
  const code = join(temp.path, "code");
  let child: ChildProcess | undefined;
  const server = {
    async start(): Promise<void> {
      mkdirSync(code);
      writeFileSync(join(code, "score.py"), script);
      const args = [LAUNCH, "script", "--socket", "../m.sock", "--failure", "../failure.json", "--script", "score.py"];
      child = spawn("python3", [...args, "--timeout-ms", "300"], {
        cwd: code,
        stdio: ["pipe", "ignore", "ignore"],
        env: { ...process.env, TRAINYARD_SCORING_SERVER: "own" },
      });
      await until(() => existsSync(join(temp.path, "m.sock")), "the model server to listen");
    },
    /** The end of standard input ends the server. */
    async stop(): Promise<number | null> {
      if (child === undefined) return null;
      const exited = once(child, "exit");
      child.stdin?.end();
      await exited;
      temp.remove();
      return child.exitCode;
    },
    ask(
      method: string,
      path: string,
      body: string | Buffer = "",
      headers: Record<string, string> = {},
    ): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const all = { ...headers, ...(method === "GET" ? {} : { "content-length": String(Buffer.byteLength(body)) }) };
        const sent = request({ socketPath: join(temp.path, "m.sock"), method, path, headers: all }, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        });
        sent.on("error", reject);
        sent.end(method === "GET" ? undefined : body);
      });
    },
  };
  return server;
}

describe("our scoring server answers as Azure ML's does", () => {
  const server = serveScript(SCRIPT);
  beforeAll(() => server.start());
  afterAll(() => server.stop());
  const json = { "content-type": "application/json" };
  const run = (what: string) => server.ask("POST", "/score", JSON.stringify({ do: what }), json);

  const NOT_FOUND =
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
  const NOT_ALLOWED = "The method is not allowed for the requested URL.";

  it.each([
    ["GET", "/", "", 200, "Healthy"],
    ["HEAD", "/", "", 200, ""],
    ["POST", "/", "", 405, JSON.stringify({ message: NOT_ALLOWED }).replace(":", ": ")],
    ["GET", "/nope", "", 404, JSON.stringify({ message: NOT_FOUND }).replace(":", ": ")],
    ["GET", "/score/", "", 404, JSON.stringify({ message: NOT_FOUND }).replace(":", ": ")],
    ["PUT", "/score", "x", 405, JSON.stringify({ message: NOT_ALLOWED }).replace(":", ": ")],
    ["OPTIONS", "/score", "", 200, ""],
    [
      "GET",
      "/swagger.json?version=9",
      "",
      404,
      '{"message": "Swagger version [9] is not valid. Supported versions: [2, 3, 3.1]."}',
    ],
  ])("%s %s", async (method, path, body, status, text) => {
    expect(await server.ask(method, path, body)).toMatchObject({ status, text });
  });

  it.each([
    [
      "raise",
      500,
      '{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}',
      "True",
    ],
    ["slow", 500, '{"message": "Scoring timeout after 300 ms"}', "True"],
    ["set", 500, '{"message": "An unexpected internal error occurred. Check the logs for more info."}', "False"],
    ["bytes", 500, '{"message": "An unexpected internal error occurred. Check the logs for more info."}', "False"],
    ["nan", 200, "[NaN]", "False"],
    ["none", 200, "{}", "False"],
    ["text", 200, '"{\\"a\\": 1}"', "False"],
    ["tuple", 200, '[{"e": 1}, 418]', "False"],
    ["e", 200, '"\\u00e9"', "False"],
    ["201", 201, "x", "False"],
    ["503", 503, "x", "True"],
    ["json", 200, '{"a": 1}', "False"],
  ])("a run() that answers `%s`", async (what, status, text, failed) => {
    const answer = await run(what);

    expect(answer).toMatchObject({ status, text });
    expect(answer.headers["x-ms-run-function-failed"]).toBe(failed);
  });

  it("repeats a header that the script gave several values", async () => {
    expect((await run("201")).headers["x-mine"]).toBe("a, b");
  });

  it("outlives a script that calls exit", async () => {
    expect((await run("exit")).status).toBe(500);
    expect((await run("none")).status).toBe(200);
  });

  it("hands queries, text and headers to run()", async () => {
    const query = await server.ask("GET", "/score?a=1&b=x&b=2");
    const body = await server.ask("POST", "/score", "[1]", { "x-mine": "h" });
    const form = await server.ask("POST", "/score", "a=1", { "content-type": "application/x-www-form-urlencoded" });

    expect(JSON.parse(query.text)).toMatchObject({ type: "str", raw: '{"a": 1, "b": ["x", 2]}' });
    expect(JSON.parse(body.text)).toEqual({ type: "str", raw: "[1]", len: 3, mine: "h" });
    expect(JSON.parse(form.text)).toMatchObject({ raw: "" });
  });

  it("refuses a body that is not UTF-8", async () => {
    const { status, text } = await server.ask("POST", "/score", Buffer.from([0xff]), json);

    expect(status).toBe(400);
    expect(JSON.parse(text).message).toBe(
      "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    );
  });

  it("answers the ids it was given, and refuses long ones", async () => {
    const ask = (headers: Record<string, string>) => server.ask("POST", "/score", "1", headers);

    const all = await ask({ "x-request-id": "r", "x-ms-request-id": "m", "x-ms-client-request-id": "c", traceid: "t" });
    const legacy = await ask({ "x-ms-request-id": "m" });
    const none = await ask({});
    const long = await ask({ "x-request-id": "a".repeat(101) });

    expect(all.headers).toMatchObject({
      "x-request-id": "r",
      "x-ms-request-id": "m",
      "x-ms-client-request-id": "c",
      traceid: "t",
    });
    expect(legacy.headers).toMatchObject({ "x-ms-request-id": "m", "x-ms-client-request-id": "m" });
    expect(none.headers["x-ms-request-id"]).toBe(none.headers["x-request-id"]);
    expect(none.headers["x-ms-client-request-id"]).toBeUndefined();
    expect(long).toMatchObject({ status: 431, text: '{"message": "x-request-id must not exceed 100 characters"}' });
  });

  it("serves the three swagger documents", async () => {
    const [two, three, latest] = await Promise.all(
      ["", "?version=3", "?version=3.1"].map((query) => server.ask("GET", `/swagger.json${query}`)),
    );

    expect(JSON.parse(two?.text ?? "")).toMatchObject({
      swagger: "2.0",
      definitions: { ServiceInput: { type: "object" } },
    });
    expect(JSON.parse(three?.text ?? "")).toMatchObject({ openapi: "3.0.3" });
    expect(JSON.parse(latest?.text ?? "")).toMatchObject({ openapi: "3.1.0" });
  });
});

describe("a script that asked for the raw request", () => {
  const server = serveScript(RAW);
  beforeAll(() => server.start());
  afterAll(() => server.stop());

  it("sees method, query, bytes and headers, and answers bytes", async () => {
    const got = await server.ask("GET", "/score?a=1");
    const posted = await server.ask("POST", "/score", "bytes", { "content-type": "image/jpeg" });

    expect(got).toMatchObject({ status: 200, text: "/score?a=1" });
    expect(posted).toMatchObject({ status: 200, text: "bytes" });
    expect(posted.headers).toMatchObject({ "content-type": "image/png", "x-type": "image/jpeg" });
  });

  it("sees uploaded files", async () => {
    const body =
      '--B\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n12345\r\n--B--\r\n';

    const answer = await server.ask("POST", "/score", body, { "content-type": "multipart/form-data; boundary=B" });

    expect(JSON.parse(answer.text)).toEqual({ image: [5, "a.png"] });
  });

  it("ends when its proxy is gone", async () => {
    const other = serveScript(RAW);
    await other.start();

    expect(await other.stop()).toBe(0);
  });
});
