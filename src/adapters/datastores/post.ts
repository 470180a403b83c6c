import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { AppError } from "../../contract/errors.ts";
import { checkHost, guardedLookup } from "./web-guard.ts";

const LIMIT_MS = 10_000;

/** Throws InvalidArgument for an address that is never reached on behalf of a caller; names are judged each time they are resolved. */
export function checkPostAddress(address: string, allowPrivate: boolean): URL {
  const url = new URL(address);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new AppError("InvalidArgument", `\`${url.protocol}\` is no address of a web server`);
  if (url.username !== "" || url.password !== "")
    throw new AppError("InvalidArgument", "an address that is posted to holds no user and password");
  checkHost(url, allowPrivate);
  return url;
}

/**
 * Sends JSON to an address that somebody named. No private, link-local or metadata address is reached, whatever its name resolves to at that moment; no redirect is
 * followed, and nothing of the answer is kept but its status. Throws unless it is 2xx.
 */
export function postJson(
  address: string,
  text: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly allowPrivate: boolean },
): Promise<void> {
  const url = checkPostAddress(address, options.allowPrivate);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new AppError("DatastoreUnreachable", `\`${url.host}\` ${why}`));
    const sent = send(url, {
      method: "POST",
      headers: {
        ...options.headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        "user-agent": "trainyard",
      },
      lookup: guardedLookup(options.allowPrivate),
      signal: AbortSignal.timeout(LIMIT_MS),
      // A connection kept open was checked for another address's sake.
      agent: false,
    });
    sent.on("response", (response) => {
      response.resume();
      response.on("error", () => undefined);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) resolve();
      else
        fail(
          status >= 300 && status < 400
            ? `sends on elsewhere (${status}), which is not followed`
            : `answered ${status}`,
        );
      sent.destroy();
    });
    sent.on("error", (error) =>
      error instanceof AppError ? reject(error) : fail(`could not be reached: ${error.message}`),
    );
    sent.end(text);
  });
}
