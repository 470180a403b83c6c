import { hostname } from "node:os";
import { makeClient } from "../../client/client.ts";
import { makeSocketTransport } from "../../client/http-node.ts";
import { me, signIn, tokens } from "../../client/routes.ts";
import { AppError } from "../../contract/errors.ts";
import { SIGN_IN_PORT } from "../../contract/version.ts";
import { command, flag, type Noun } from "../command.ts";
import { readConfig, writeConfig } from "../config-file.ts";
import type { Ctx } from "../context.ts";
import { checkUrl, findAddress } from "../find-address.ts";
import { one } from "../output/shown.ts";

const WAIT_MS = 10 * 60 * 1000;

export const login: Noun = {
  brief: "Sign in to a home and remember it",
  only: command({
    brief: "Sign in with a browser, or with a token, and remember the home",
    args: { brief: "Address of the home; default: the one known", placeholder: "url", optional: true },
    flags: {
      noBrowser: flag.is("Prints the address only, and takes the one the browser ends at: for SSH"),
      token: flag.is("Reads a personal access token from standard input in place of signing in"),
      days: flag.number("Days until the next sign-in, 1 to 366; default: 30", { placeholder: "days" }),
      port: flag.number(`Port for the browser's way back; default: ${SIGN_IN_PORT}`, { hidden: true }),
    },
    run: async (ctx, given, args) => {
      const url = args[0] === undefined ? findAddress(ctx.io).url : checkUrl(args[0], "the address");
      const found = given.token ? (await ctx.io.readStdin()).trim() : undefined;
      if (found === "") throw new AppError("InvalidArgument", "there is no token on standard input");
      const token =
        found ??
        (await tokenBySignIn(ctx, url, {
          port: given.port ?? SIGN_IN_PORT,
          pastes: given.noBrowser,
          days: given.days ?? 30,
        }));
      const who = await clientOf(url, token).call(me.get, { signal: ctx.io.signal });
      writeConfig(ctx.io.env, { ...readConfig(ctx.io.env), address: url, token });
      return one({ name: who.name, address: url }, (it) => [
        ["Signed in as", it.name],
        ["Home", it.address],
      ]);
    },
  }),
};

export const logout: Noun = {
  brief: "Revoke this machine's token and forget it",
  only: command({
    brief: "Revoke the token that `yard login` keeps, and forget it",
    run: async (ctx) => {
      const { token, address, ...rest } = readConfig(ctx.io.env);
      if (token === undefined || address === undefined) {
        throw new AppError("NotFound", "this machine keeps no token", { hint: "`yard login` signs in" });
      }
      const id = tokenId(token);
      if (id !== undefined) await revoke(ctx, address, token, id);
      writeConfig(ctx.io.env, { ...rest, address });
      return one({ address, revoked: id !== undefined });
    },
  }),
};

function clientOf(url: string, token: string | undefined) {
  return makeClient({ url, token, transport: makeSocketTransport(), retry: { attempts: 3 } });
}

/** Signs the person in at the home's issuer, and trades that for a token of the home's own, which can be listed and revoked. */
async function tokenBySignIn(
  ctx: Ctx,
  url: string,
  how: { readonly port: number; readonly pastes: boolean; readonly days: number },
): Promise<string> {
  const { signal } = ctx.io;
  const { oidc } = await clientOf(url, undefined).call(signIn.get, { signal });
  if (oidc === undefined) {
    throw new AppError("NotSupported", `\`${url}\` takes tokens only`, {
      hint: "an owner makes one with `yard token create`; `yard login --token` reads it",
    });
  }
  const [{ openFlow }, { listenForCallback, callbackUri }] = await Promise.all([
    import("../sign-in/oidc.ts"),
    import("../sign-in/callback.ts"),
  ]);
  const ending = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  const callback = how.pastes ? undefined : await listenForCallback(how.port);
  try {
    const flow = await openFlow(oidc, callback?.uri ?? callbackUri(how.port), ending);
    ctx.note(`sign in here:\n\n  ${flow.address}\n`);
    if (callback !== undefined && ctx.io.stderr.isTTY) await openBrowser(flow.address);
    const returned = callback === undefined ? await pasted(ctx) : await orEnd(callback.returned, ending);
    const idToken = await flow.redeem(returned, ending);
    const made = await clientOf(url, idToken).call(tokens.create, {
      body: { name: `yard login on ${hostname()}`, days: how.days },
      signal,
    });
    return made.token;
  } finally {
    callback?.close();
  }
}

async function pasted(ctx: Ctx): Promise<URL> {
  ctx.note("the browser ends at an address it can't show; copy that address here, then end the input:");
  const text = (await ctx.io.readStdin()).trim();
  if (URL.canParse(text)) return new URL(text);
  throw new AppError("InvalidArgument", "what was given is no address", {
    hint: "it starts with `http://localhost` and holds `code=`",
  });
}

async function openBrowser(address: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const opener = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const child = spawn(opener, [address], { stdio: "ignore", detached: true });
  // The address is printed anyway.
  child.on("error", () => undefined);
  child.unref();
}

function orEnd<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

/** A token that is good no more needs no revoking. */
async function revoke(ctx: Ctx, address: string, token: string, id: string): Promise<void> {
  try {
    await clientOf(address, token).call(tokens.delete, { params: { id }, signal: ctx.io.signal });
  } catch (error) {
    if (!(error instanceof AppError && (error.code === "Unauthenticated" || error.code === "NotFound"))) throw error;
  }
}

/** The id in a personal access token; undefined for any other. */
function tokenId(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString("utf8")) as {
      readonly t?: unknown;
      readonly jti?: unknown;
    };
    return claims.t === "pat" && typeof claims.jti === "string" ? claims.jti : undefined;
  } catch {
    return undefined;
  }
}
