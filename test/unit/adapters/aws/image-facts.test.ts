import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BatchGetImageCommand, ECRClient, GetDownloadUrlForLayerCommand } from "@aws-sdk/client-ecr";
import { mockClient } from "aws-sdk-client-mock";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeEcrFacts, readImageName } from "../../../../src/adapters/aws/images/facts.ts";
import { makePublicFacts } from "../../../../src/adapters/aws/images/public-facts.ts";

const sha = (letter: string) => `sha256:${letter.repeat(64)}`;
const MANIFEST = { config: { digest: sha("c") } };
const INDEX = {
  manifests: [
    { digest: sha("a"), platform: { os: "linux", architecture: "arm64" } },
    { digest: sha("b"), platform: { os: "linux", architecture: "amd64" } },
  ],
};

describe("an image's name", () => {
  test.each([
    ["python", "docker.io", "library/python", "latest"],
    ["pytorch/pytorch:2.1", "docker.io", "pytorch/pytorch", "2.1"],
    ["docker.io/a/b", "docker.io", "a/b", "latest"],
    ["localhost:5000/mine", "localhost:5000", "mine", "latest"],
    [`mcr.microsoft.com/azureml/x:1@${sha("1")}`, "mcr.microsoft.com", "azureml/x", sha("1")],
  ])("%s", (image, host, path, reference) => {
    expect(readImageName(image)).toEqual({ host, path, reference });
  });
});

/** A registry that wants a token, which it gives to anybody, and has what is listed by path. */
async function registry(content: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    asked.push(url.pathname);
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(status, headers).end(JSON.stringify(body));
    if (url.pathname === "/token") return answer(200, { token: url.searchParams.get("scope") });
    const realm = `http://${request.headers.host}/token`;
    if (request.headers.authorization !== "Bearer repository:some/tool:pull") {
      return answer(
        401,
        {},
        { "www-authenticate": `Bearer realm="${realm}",service="it",scope="repository:some/tool:pull"` },
      );
    }
    const found = content[url.pathname];
    if (typeof found === "number") return answer(found, {});
    return found === undefined ? answer(404, {}) : answer(200, found, { "docker-content-digest": sha("9") });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, read: makePublicFacts({ registries: { "quay.io": api } }) };
}

describe("a public image", () => {
  test("is looked into with a token that anybody gets, and named by its digest", async () => {
    const { read } = await registry({
      "/v2/some/tool/manifests/1": INDEX,
      [`/v2/some/tool/manifests/${sha("b")}`]: MANIFEST,
      [`/v2/some/tool/blobs/${sha("c")}`]: { config: { Entrypoint: ["serve"], User: "app" } },
    });

    expect(await read("quay.io/some/tool:1")).toEqual({
      ref: `quay.io/some/tool@${sha("9")}`,
      entrypoint: ["serve"],
      user: "app",
    });
  });

  test("that has neither entry point nor user runs commands as they are", async () => {
    const { read } = await registry({
      "/v2/some/tool/manifests/latest": MANIFEST,
      [`/v2/some/tool/blobs/${sha("c")}`]: { config: { Entrypoint: null } },
    });

    expect(await read("quay.io/some/tool")).toMatchObject({ entrypoint: [], user: "" });
  });

  test("that is not there, or not for our machines, is refused", async () => {
    const { read } = await registry({ "/v2/some/tool/manifests/arm": { manifests: [INDEX.manifests[0]] } });

    await expect(read("quay.io/some/tool:2")).rejects.toMatchObject({
      code: "InvalidSpec",
      message: "image `quay.io/some/tool:2` is not in its registry",
    });
    await expect(read("quay.io/some/tool:arm")).rejects.toMatchObject({
      code: "InvalidSpec",
      message: "image `quay.io/some/tool:arm` is not made for linux/amd64",
    });
  });

  test.each([
    ["of a registry that people may name but nobody vouches for", "127.0.0.1:1/some/tool"],
    ["of which its registry shows too many already", "quay.io/some/tool:limited"],
  ])("%s is not looked into", async (_what, image) => {
    const { read } = await registry({ "/v2/some/tool/manifests/limited": 429 });

    expect(await read(image)).toBeUndefined();
  });
});

test("an image of this account's registry is looked into by ECR; one of another region is not", async () => {
  const server = createServer((_request, response) => response.end(JSON.stringify({ config: { User: "1000" } })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const downloadUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob`;
  const ecr = mockClient(ECRClient);
  ecr.on(BatchGetImageCommand).resolves({
    images: [{ imageManifest: JSON.stringify(MANIFEST), imageId: { imageDigest: sha("9") } }],
  });
  ecr.on(GetDownloadUrlForLayerCommand).resolves({ downloadUrl });
  const read = makeEcrFacts(new ECRClient({ region: "eu-west-1" }));
  const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

  expect(await read(`${host}/team/tool:3`)).toEqual({
    ref: `${host}/team/tool@${sha("9")}`,
    entrypoint: [],
    user: "1000",
  });
  expect(ecr.commandCalls(BatchGetImageCommand)[0]?.args[0].input).toMatchObject({
    registryId: "123456789012",
    repositoryName: "team/tool",
    imageIds: [{ imageTag: "3" }],
  });
  expect(await read("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/tool:3")).toBeUndefined();
  expect(await read("quay.io/some/tool")).toBeUndefined();
});
