import { expect, test } from "vitest";
import { regionOf } from "../../../src/cli/sign-in/aws-credentials.ts";
import { signForAws } from "../../../src/cli/sign-in/sigv4.ts";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const SCOPE = {
  credentials: CREDENTIALS,
  region: "us-east-1",
  service: "service",
  nowMs: Date.UTC(2015, 7, 30, 12, 36, 0),
};

// Signatures of AWS's own test suite for Signature Version 4.
test.each([
  ["get-vanilla", "GET", "/", {}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["post-vanilla", "POST", "/", {}, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  [
    "get-vanilla-query-order-key-case",
    "GET",
    "/?Param2=value2&Param1=value1",
    {},
    "",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "post-x-www-form-urlencoded",
    "POST",
    "/",
    { "Content-Type": "application/x-www-form-urlencoded" },
    "Param1=value1",
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
])("signs %s as AWS does", (_, method, path, headers, body, signature) => {
  const url = new URL(path, "https://example.amazonaws.com");

  const signed = signForAws({ method, url, headers, body }, SCOPE);

  expect(signed.authorization).toContain(`Signature=${signature}`);
});

test("a session's token is sent and signed", () => {
  const credentials = { ...CREDENTIALS, sessionToken: "session" };
  const url = new URL("https://example.amazonaws.com/");

  const signed = signForAws({ method: "GET", url, headers: {}, body: "" }, { ...SCOPE, credentials });

  expect(signed["x-amz-security-token"]).toBe("session");
  expect(signed.authorization).toContain("SignedHeaders=host;x-amz-date;x-amz-security-token");
});

test("the region is the address's own, else the environment's, else asked for", () => {
  const aws = new URL("https://abc.execute-api.eu-central-1.amazonaws.com");
  const own = new URL("https://trainyard.example.org");

  expect(regionOf(aws, { AWS_REGION: "us-east-1" })).toBe("eu-central-1");
  expect(regionOf(own, { AWS_REGION: "us-east-1" })).toBe("us-east-1");
  expect(() => regionOf(own, {})).toThrow("does not tell its AWS region");
});
