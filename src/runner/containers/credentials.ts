import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createPlainServer } from "node:net";
import { runner } from "../../client/routes.ts";
import { isAppError } from "../../contract/errors.ts";
import type { RunCredentials } from "../../contract/runner.ts";
import { reasonOf } from "../failure.ts";
import type { Home } from "../home.ts";

/** Where the keeper gives a command its AWS credentials; chosen before both are there. */
export interface CredentialsPlace {
  readonly port: number;
  /** Whoever asks must have it: other programs of the machine share its loopback. */
  readonly token: string;
  /** The first ones, so that nobody waits for a home at rest: SDKs wait for a second. */
  readonly first: RunCredentials;
}

export interface CredentialsPlan {
  readonly place: CredentialsPlace;
  /** What tells AWS's SDKs of it, and a command where its objects are. */
  readonly variables: Readonly<Record<string, string>>;
}

const HOST = "127.0.0.1";
const PATH = "/credentials";
/** SDKs ask again when less than five minutes are left. */
const FRESH_MS = 10 * 60_000;
const LOOK_MS = 60_000;

/** Where the home lends credentials: the place that they will be at. `tell` hears what they are for, or why there are none where there should be. */
export async function planCredentials(
  home: Home,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<CredentialsPlan | undefined> {
  try {
    const first = await home.until(() => ask(home), signal);
    const { region, artifacts, outputs, output_places: places = {} } = first;
    const place = { port: await freePort(), token: randomBytes(32).toString("base64url"), first };
    const what = [artifacts, outputs, ...Object.values(places)];
    tell(`the command's AWS credentials are for ${what.slice(0, -1).join(", ")} and ${what.at(-1)}\n`);
    return {
      place,
      variables: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${HOST}:${place.port}${PATH}`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: place.token,
        AWS_REGION: region,
        TRAINYARD_S3_ARTIFACTS: artifacts,
        TRAINYARD_S3_OUTPUTS: outputs,
        ...Object.fromEntries(
          Object.entries(places).map(([name, place]) => [`TRAINYARD_S3_OUTPUT_${name.replaceAll(".", "_")}`, place]),
        ),
      },
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!isAppError(error) || error.code !== "NotSupported") {
      tell(`warning: the command gets no AWS credentials: ${reasonOf(error)}\n`);
    }
    return undefined;
  }
}

/**
 * Serves them until `close`, in the form of ECS's container credentials, which every AWS SDK asks for by itself. New ones are asked of the home when less than
 * ten minutes are left, also when nobody waits for them; while the home is away, those that still hold are given.
 */
export async function serveCredentials(
  home: Home,
  { port, token, first }: CredentialsPlace,
  now: () => number = Date.now,
): Promise<{ close(): void }> {
  const fresh = keepFresh(first, () => ask(home), now);
  const server = createServer(async ({ method, url, headers }, response) => {
    if (url !== PATH || method !== "GET") return refuse(response, 404, "NotFound", `only GET ${PATH} is here`);
    if (headers.authorization !== token)
      return refuse(response, 401, "Unauthorized", "the authorization token is wrong");
    try {
      const keys = await fresh();
      answer(response, 200, {
        AccessKeyId: keys.access_key_id,
        SecretAccessKey: keys.secret_access_key,
        Token: keys.session_token,
        Expiration: keys.expires_at,
      });
    } catch (error) {
      refuse(response, 503, "Unavailable", reasonOf(error));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, resolve);
  });
  server.unref();
  const look = setInterval(() => void fresh().catch(() => {}), LOOK_MS).unref();
  return {
    close() {
      clearInterval(look);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** One question at a time, whoever waits for its answer. */
function keepFresh(
  first: RunCredentials,
  get: () => Promise<RunCredentials>,
  now: () => number,
): () => Promise<RunCredentials> {
  let held = first;
  let asking: Promise<RunCredentials> | undefined;
  const leftMs = () => Date.parse(held.expires_at) - now();
  const renew = async () => {
    try {
      held = await get();
      return held;
    } catch (error) {
      if (leftMs() > 0) return held;
      throw error;
    } finally {
      asking = undefined;
    }
  };
  return () => {
    if (leftMs() >= FRESH_MS) return Promise.resolve(held);
    asking ??= renew();
    return asking;
  };
}

function ask(home: Home): Promise<RunCredentials> {
  return home.client.call(runner.credentials, { params: { workspace: home.workspace, run: home.run } });
}

/** One that nobody has at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createPlainServer();
    server.once("error", reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  answer(response, status, { code, message });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
