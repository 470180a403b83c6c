import type { Client } from "../../client/client.ts";
import { makeClient } from "../../client/client.ts";
import { makeSocketTransport } from "../../client/http-node.ts";
import type { Transport } from "../../client/transport.ts";
import { findAwsCredentials, regionOf } from "./aws-credentials.ts";
import { signForAws } from "./sigv4.ts";

/** A client whose requests bear the person's AWS signature in place of a token. */
export async function openIamClient(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Client> {
  const credentials = await findAwsCredentials(env);
  const region = regionOf(new URL(address), env);
  const carry = makeSocketTransport();
  const transport: Transport = (request) => {
    const { method, headers, body = "" } = request;
    if (typeof body !== "string") throw new Error("only a request with a text can be signed");
    const url = new URL(request.url);
    const scope = { credentials, region, service: "execute-api", nowMs: Date.now() };
    return carry({ ...request, headers: signForAws({ method, url, headers, body }, scope) });
  };
  return makeClient({ url: address, transport, retry: { attempts: 3 } });
}
