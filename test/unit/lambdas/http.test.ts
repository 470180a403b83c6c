import { gunzipSync } from "node:zlib";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { carries, PAYLOAD_LIMIT_BYTES, toRequest, toResult } from "../../../lambdas/middleware/http.ts";

function event(changes: Partial<APIGatewayProxyEventV2> & { readonly method?: string } = {}): APIGatewayProxyEventV2 {
  const { method = "GET", ...rest } = changes;
  const path = rest.rawPath ?? "/api/v1/version";
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    headers: { host: "api.example.test" },
    isBase64Encoded: false,
    requestContext: {
      accountId: "0",
      apiId: "api",
      domainName: "api.example.test",
      domainPrefix: "api",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
      requestId: "request",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    ...rest,
  };
}

describe("an event as a request", () => {
  test("has its method, address, headers, cookies and body", async () => {
    const request = toRequest(
      event({
        method: "POST",
        rawPath: "/w/default/x",
        rawQueryString: "a=1&b=%20c",
        headers: { host: "api.example.test", "content-type": "application/json" },
        cookies: ["a=1", "b=2"],
        body: '{"ü":1}',
      }),
    );

    expect([request.method, String(request.url)]).toEqual(["POST", "https://api.example.test/w/default/x?a=1&b=%20c"]);
    expect(request.headers.get("cookie")).toBe("a=1; b=2");
    expect(await new Response(request.body).json()).toEqual({ ü: 1 });
  });

  test("takes bytes as they were sent", async () => {
    const bytes = Buffer.from([0, 255, 1, 254]);

    const request = toRequest(event({ method: "PUT", body: bytes.toString("base64"), isBase64Encoded: true }));

    expect(Buffer.from(await new Response(request.body).arrayBuffer())).toEqual(bytes);
  });

  test.each([
    ["/a b/ü", "/a%20b/%C3%BC"],
    ["/a%20b", "/a%20b"],
    ["/100%/x", "/100%25/x"],
    ["/a?b#c", "/a%3Fb%23c"],
  ])("the path %s, decoded or not, is a path", (rawPath, expected) => {
    const url = new URL(toRequest(event({ rawPath })).url);

    expect([url.pathname, url.search, url.hash]).toEqual([expected, "", ""]);
  });

  test("who has signed it is what the gateway says, never a header or a body", async () => {
    const headers = { host: "api.example.test", "x-amzn-iam-user-arn": "arn:aws:iam::1:root", iam: "{}" };
    const plain = event({ method: "POST", headers, body: '{"iam":{"arn":"x"}}' });
    const signed = (iam: object) => ({
      ...plain,
      requestContext: { ...plain.requestContext, authorizer: { iam } } as typeof plain.requestContext,
    });
    const userArn = "arn:aws:iam::0:user/ada";

    expect(toRequest(plain).iam).toBeUndefined();
    expect(toRequest(signed({ userArn: null })).iam).toBeUndefined();
    expect(toRequest(signed({ userArn, accountId: "0" })).iam).toEqual({ arn: userArn, isOfHome: true });
    expect(toRequest(signed({ userArn, accountId: "1" })).iam).toEqual({ arn: userArn, isOfHome: false });
    expect(await new Response(toRequest(signed({ userArn, accountId: "0" })).body).json()).toHaveProperty("iam");
  });

  test("a body that a real function could not have got is refused", () => {
    const body = "x".repeat(PAYLOAD_LIMIT_BYTES + 1);

    expect(() => toRequest(event({ method: "POST", body }))).toThrow(expect.objectContaining({ code: "TooLarge" }));
  });
});

describe("a response as a result", () => {
  test("text is text, other bytes are base64", async () => {
    const text = await toResult(Response.json({ ü: 1 }, { status: 201 }), event());
    const bytes = await toResult(new Response(new Uint8Array([0, 255])), event());
    const empty = await toResult(new Response(null, { status: 204 }), event());

    expect(text).toMatchObject({ statusCode: 201, body: '{"ü":1}', isBase64Encoded: false });
    expect(bytes).toMatchObject({ statusCode: 200, body: "AP8=", isBase64Encoded: true });
    expect(empty).toMatchObject({ statusCode: 204, body: "" });
  });

  test("cookies stay apart", async () => {
    const headers = new Headers();
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2; Path=/");

    const result = await toResult(new Response("", { headers }), event());

    expect(result.cookies).toEqual(["a=1; Path=/", "b=2; Path=/"]);
    expect(result.headers).not.toHaveProperty("set-cookie");
  });

  test("long text is zipped for those who can read it, and only for those", async () => {
    const text = JSON.stringify({ text: "abc".repeat(20_000) });
    const answer = () => new Response(text, { headers: { "content-type": "application/json" } });

    const zipped = await toResult(answer(), event({ headers: { "accept-encoding": "gzip, br" } }));
    const plain = await toResult(answer(), event());

    expect(zipped).toMatchObject({ isBase64Encoded: true, headers: { "content-encoding": "gzip" } });
    expect(gunzipSync(Buffer.from(zipped.body ?? "", "base64")).toString()).toBe(text);
    expect(plain.body).toBe(text);
  });

  test.each([
    ["bytes that base64 makes too long", () => new Uint8Array(5 * 1024 * 1024), "application/octet-stream"],
    ["text that quotes make too long", () => '"'.repeat(4 * 1024 * 1024), "text/plain"],
  ])("%s are answered with a sentence", async (_, body, type) => {
    const headers = { "content-type": type, "x-request-id": "id" };

    const result = await toResult(new Response(body(), { headers }), event());

    expect(result.statusCode).toBe(413);
    expect(JSON.parse(result.body ?? "")).toMatchObject({ code: "TooLarge", hint: expect.stringContaining("signed") });
  });

  test.each([
    ["short text", '"'.repeat(1000), "", true],
    ["text that quotes make just too long", '"'.repeat(PAYLOAD_LIMIT_BYTES / 2), "", false],
    ["the same, for those who can unzip it", '"'.repeat(PAYLOAD_LIMIT_BYTES / 2), "gzip", true],
    ["text that is too long to be read", "a".repeat(PAYLOAD_LIMIT_BYTES * 4 + 1), "gzip", false],
  ])("whether %s is carried is known before", async (_, text, encoding, expected) => {
    const headers = { "accept-encoding": encoding };
    const answer = new Response(text, { headers: { "content-type": "application/json" } });

    const result = await toResult(answer, event({ headers }));

    expect(carries(Buffer.from(text), new Headers(headers))).toBe(expected);
    expect(result.statusCode === 200).toBe(expected);
  });

  test("a body without end is not read to its end", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
      cancel: () => {
        cancelled = true;
      },
    });

    const result = await toResult(new Response(endless), event());

    expect(result.statusCode).toBe(413);
    expect(cancelled).toBe(true);
  });
});
