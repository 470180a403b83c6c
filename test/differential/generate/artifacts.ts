import fc from "fast-check";
import type { Call } from "../call.ts";
import { type Gen, pick, seldom } from "./values.ts";

const A = "/api/2.0/mlflow-artifacts/artifacts";
const good = pick(
  "a.txt",
  "b/c.json",
  "b/d.html",
  "b/e/f.bin",
  "model/MLmodel",
  "sp ace.txt",
  "ünï.txt",
  "b/",
  "pic.PNG",
  "x.tar.gz",
  "noext",
  "r.svg",
  "s.js",
  "q+p.csv",
  "日本",
);
const odd = pick(
  "../up.txt",
  "..%2Fup.txt",
  "b/../a.txt",
  "%2e%2e/x",
  "/etc/passwd",
  "%2Fetc%2Fpasswd",
  "b//c.json",
  "./a.txt",
  "a%5Cb.txt",
  "C:/x",
  "a%23b.txt",
  "a%3Fb.txt",
  "a%25b.txt",
  "%252e%252e/x",
  "~/x",
  "a%00b",
  "file:/x",
  "b%2Fc.json",
  ".",
  "..",
  "...",
  ".hidden",
  "a;b.txt",
  "a:b.txt",
  'q"q.txt',
);
/** As it goes into an address. */
const encoded = seldom(
  good.map((path) => path.split("/").map(encodeURIComponent).join("/")),
  odd.map((path) => path.replaceAll('"', "%22")),
  7,
);
/** As it goes into a parameter. */
const plain = seldom(
  good,
  odd.map((path) => path.replaceAll(/%(?=[2350][\dA-Fa-f])/g, "%")),
  7,
);
const root = pick("", "", "1/{run#0}/artifacts/", "1/models/{model#0}/artifacts/");
const content = pick("hello", "", "0123456789", "<b>hi</b>", "ünï\n", "x".repeat(70_000));
const range = pick(
  "bytes=0-3",
  "bytes=2-",
  "bytes=-4",
  "bytes=5-2",
  "bytes=100-200",
  "bytes=0-0",
  "bytes=0-1,3-4",
  "items=0-1",
  "bytes=abc",
  "bytes=-0",
  "bytes=9-",
  "bytes=10-",
  "bytes=0-99999",
);

const address = fc.tuple(root, encoded).map(([folder, path]) => `${A}/${folder}${path}`);
export const artifactCalls: readonly (readonly [number, Gen<Call>])[] = [
  [6, fc.tuple(address, content).map(([path, bytes]) => ({ method: "PUT", path, bytes }))],
  [4, address.map((path) => ({ method: "GET", path }))],
  [2, fc.tuple(address, range).map(([path, each]) => ({ method: "GET", path, headers: { range: each } }))],
  [2, address.map((path) => ({ method: "DELETE", path }))],
  [
    3,
    fc.tuple(root, fc.oneof(plain, pick("", "b", "b/", "b/e", "none"))).map(([folder, path]) => ({
      method: "GET",
      path: A,
      query: [["path", `${folder}${path}`] as [string, string]],
    })),
  ],
  [1, pick<Call>({ method: "GET", path: A })],
  [
    3,
    fc.option(fc.oneof(plain, pick("b", "b/e", "none")), { nil: undefined }).map((path) => ({
      method: "GET",
      path: "/api/2.0/mlflow/artifacts/list",
      query: [
        ["run_id", "{run#0}"] as [string, string],
        ...(path === undefined ? [] : [["path", path] as [string, string]]),
      ],
    })),
  ],
  [
    2,
    plain.map((path) => ({
      method: "GET",
      path: "/get-artifact",
      query: [
        ["run_id", "{run#0}"],
        ["path", path],
      ] as [string, string][],
    })),
  ],
  [
    1,
    fc.tuple(plain, content).map(([path, bytes]) => ({
      method: "POST",
      path: "/ajax-api/2.0/mlflow/upload-artifact",
      query: [
        ["run_uuid", "{run#0}"],
        ["path", path],
      ] as [string, string][],
      bytes,
    })),
  ],
  [1, encoded.map((path) => ({ method: "GET", path: `/api/2.0/mlflow-artifacts/presigned/${path}` }))],
];
