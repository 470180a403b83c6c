import { type Client, makeClient } from "../../client/client.ts";
import { makeSocketTransport } from "../../client/http-node.ts";
import { signIn } from "../../client/routes.ts";
import type { Transport } from "../../client/transport.ts";
import { AppError } from "../../contract/errors.ts";
import { findAwsCredentials, regionOf } from "./aws-credentials.ts";
import { signForAws } from "./sigv4.ts";

/** A client whose requests bear the person's AWS signature in place of a token. Throws NotSupported for a home outside of AWS. */
export async function openIamClient(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Client> {
  const carry = makeSocketTransport();
  const open = makeClient({ url: address, transport: carry, retry: { attempts: 3 } });
  // A signature is for one host: what stands in front of the gateway has another.
  const { iam } = await open.call(signIn.get, { signal });
  if (iam === undefined)
    throw new AppError("NotSupported", `\`${address}\` is no AWS home: it takes no AWS signatures`);
  const credentials = await findAwsCredentials(env);
  const region = regionOf(new URL(iam.url), env);
  const transport: Transport = (request) => {
    const { method, headers, body = "" } = request;
    if (typeof body !== "string") throw new Error("only a request with a text can be signed");
    const url = new URL(request.url);
    const scope = { credentials, region, service: "execute-api", nowMs: Date.now() };
    return carry({ ...request, headers: signForAws({ method, url, headers, body }, scope) });
  };
  const client = makeClient({ url: iam.url, transport, retry: { attempts: 3 } });
  return { ...client, call: (route, input) => client.call(route, input).catch(explain) };
}

/** The gateway refuses without a word, and not as the home words it. */
function explain(error: unknown): never {
  if (error instanceof AppError && error.message.includes("HTTP status 403")) {
    throw new AppError(
      "Forbidden",
      "AWS refuses the address: the credentials are not good, or your IAM user or role may not `execute-api:Invoke` it",
      { hint: "`aws sts get-caller-identity` shows who you are" },
      { cause: error },
    );
  }
  throw error;
}
