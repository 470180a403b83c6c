import type { APIGatewayProxyEventV2, Context } from "aws-lambda";

/** What `lambda.ts` measures, in a process of its own: node lambda-child.ts BUNDLE TOKEN. The last line is JSON. */
const [bundle = "", token = ""] = process.argv.slice(2);
const WARM = 2000;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

function eventOf(path: string, headers: Record<string, string> = {}): APIGatewayProxyEventV2 {
  return {
    rawPath: path,
    rawQueryString: "",
    headers: { host: "api.example.test", ...headers },
    isBase64Encoded: false,
    requestContext: { accountId: "0", domainName: "api.example.test", http: { method: "GET", path }, requestId: "r" },
  } as unknown as APIGatewayProxyEventV2;
}

const start = cpuMs();
const { handler } = (await import(bundle)) as {
  handler: (event: APIGatewayProxyEventV2, context: Context) => Promise<{ readonly statusCode: number }>;
};
const initMs = cpuMs() - start;

async function ask(event: APIGatewayProxyEventV2): Promise<void> {
  const { statusCode } = await handler(event, { awsRequestId: "i", getRemainingTimeInMillis: () => 1000 } as Context);
  if (statusCode !== 200) throw new Error(`${event.rawPath} was answered with ${statusCode}`);
}

async function cpuOf(times: number, event: APIGatewayProxyEventV2): Promise<number> {
  const before = cpuMs();
  for (let i = 0; i < times; i++) await ask(event);
  return (cpuMs() - before) / times;
}

const version = eventOf("/api/v1/version");
const me = eventOf("/api/v1/me", { authorization: `Bearer ${token}` });
const firstMs = await cpuOf(1, me);
await cpuOf(WARM, version);
const routedMs = await cpuOf(WARM, version);
await cpuOf(WARM, me);
const knownMs = await cpuOf(WARM, me);
process.stdout.write(`${JSON.stringify({ initMs, firstMs, routedMs, knownMs })}\n`);
