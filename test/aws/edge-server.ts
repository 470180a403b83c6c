import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { GetKeyCommand } from "@aws-sdk/client-cloudfront-keyvaluestore";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { openEdgeClient } from "../../src/adapters/aws/edge-trust.ts";
import { runAtEdge } from "../helpers/edge-function.ts";
import type { Deployment } from "./deployment.ts";
import { AWS } from "./ministack.ts";

/** What CloudFormation and CloudFront sign in the emulator, which takes any signature. */
const signed = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=${AWS.credentials.accessKeyId}/20260101/${AWS.region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;

/** The edge's store; there is one. */
async function edgeStoreArn(endpoint: string): Promise<string> {
  const headers = { authorization: signed("cloudfront") };
  const answer = await fetch(`${endpoint}/2020-05-31/key-value-store`, { headers });
  return /<ARN>([^<]*)<\/ARN>/.exec(await answer.text())?.[1] ?? "";
}

/** Reads the edge's store; undefined for a key that it has not. */
export async function openEdgeStore(endpoint: string): Promise<(key: string) => Promise<string | undefined>> {
  const client = openEdgeClient(endpoint, AWS);
  const KvsARN = await edgeStoreArn(endpoint);
  return (Key) =>
    client.send(new GetKeyCommand({ KvsARN, Key })).then(
      ({ Value }) => Value,
      () => undefined,
    );
}

/** CloudFront as the stack sets it up, which the emulator does not run: the home's own function chooses between bucket and API. */
export async function startEdge({ url, endpoint }: Pick<Deployment, "url" | "endpoint">) {
  const stored = await openEdgeStore(endpoint);
  const { Buckets = [] } = await new S3Client({ ...AWS, endpoint, forcePathStyle: true }).send(
    new ListBucketsCommand({}),
  );
  const bucket = Buckets.find(({ Name }) => Name?.startsWith("trainyard-data-objects"))?.Name ?? "";
  const toBucket: string[] = [];

  async function choose(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = new URL(incoming.url ?? "/", url);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, { value: String(value) }]),
    );
    const querystring = Object.fromEntries([...asked.searchParams].map(([name, value]) => [name, { value }]));
    const event = { method: incoming.method ?? "", uri: asked.pathname, headers, querystring, cookies: {} };
    const { request, origin } = asked.pathname.includes("/mlflow-artifacts/artifacts/")
      ? await runAtEdge(event, stored)
      : { request: event, origin: "api" };
    const kept = Object.fromEntries(Object.entries(request.headers).map(([name, { value }]) => [name, value]));
    if (origin === "bucket") {
      toBucket.push(`${request.method} ${request.uri}`);
      const path = `/${bucket}${request.uri}`;
      forward(incoming, outgoing, new URL(path, endpoint), { ...kept, authorization: signed("s3") });
    } else forward(incoming, outgoing, asked, kept);
  }

  const server = createServer((incoming, outgoing) => {
    choose(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What went to the bucket. */
    toBucket: toBucket as readonly string[],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, to: URL, headers: Record<string, string>): void {
  const place = { host: "127.0.0.1", port: to.port, path: to.pathname + to.search, method: incoming.method };
  const onward = send({ ...place, headers: { ...headers, host: to.host } }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
}
