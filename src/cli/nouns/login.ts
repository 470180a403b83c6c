import { hostname } from "node:os";
import { makeClient } from "../../client/client.ts";
import { makeSocketTransport } from "../../client/http-node.ts";
import { iam, me, signIn, tokens } from "../../client/routes.ts";
import type { SignIn } from "../../contract/access.ts";
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
      noBrowser: flag.is(
        "For SSH: shows a code to enter elsewhere, or takes the address that a browser elsewhere ends at",
      ),
      iam: flag.is("Signs in to an AWS home with your AWS credentials"),
      token: flag.is("Reads a personal access token from standard input in place of signing in"),
      days: flag.number("Days until the next sign-in, 1 to 366; default: 30, with --iam 1", { placeholder: "days" }),
      port: flag.number(`Port for the browser's way back; default: ${SIGN_IN_PORT}`, { hidden: true }),
    },
    run: async (ctx, given, args) => {
      const url = args[0] === undefined ? findAddress(ctx.io).url : checkUrl(args[0], "the address");
      if (given.token && given.iam) throw new AppError("InvalidArgument", "`--token` and `--iam` exclude each other");
      const found = given.token ? (await ctx.io.readStdin()).trim() : undefined;
      if (found === "") throw new AppError("InvalidArgument", "there is no token on standard input");
      const token =
        found ??
        (given.iam
          ? await tokenByIam(ctx, url, given.days ?? 1)
          : await tokenBySignIn(ctx, url, {
              port: given.port ?? SIGN_IN_PORT,
              isRemote: given.noBrowser,
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

/** Trades the person's AWS signature for a token of the home's own. */
async function tokenByIam(ctx: Ctx, url: string, days: number): Promise<string> {
  const { openIamClient } = await import("../sign-in/iam.ts");
  const client = await openIamClient(url, ctx.io.env, ctx.io.signal);
  const { token } = await client.call(iam.signIn, {
    body: { name: `yard login --iam on ${hostname()}`, days },
    signal: ctx.io.signal,
  });
  return token;
}

/** Signs the person in at the home's issuer, and trades that for a token of the home's own, which can be listed and revoked. */
async function tokenBySignIn(
  ctx: Ctx,
  url: string,
  how: { readonly port: number; readonly isRemote: boolean; readonly days: number },
): Promise<string> {
  const { signal } = ctx.io;
  const { oidc } = await clientOf(url, undefined).call(signIn.get, { signal });
  if (oidc === undefined) {
    throw new AppError("NotSupported", `\`${url}\` takes tokens only`, {
      hint: "an owner makes one with `yard token create`; `yard login --token` reads it",
    });
  }
  const ending = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  const idToken = how.isRemote
    ? await idTokenElsewhere(ctx, oidc, how.port, ending)
    : await idTokenHere(ctx, oidc, how.port, ending);
  const made = await clientOf(url, idToken).call(tokens.create, {
    body: { name: `yard login on ${hostname()}`, days: how.days },
    signal,
  });
  return made.token;
}

type Oidc = NonNullable<SignIn["oidc"]>;

/** With a browser on this machine, which comes back to it. */
async function idTokenHere(ctx: Ctx, oidc: Oidc, port: number, ending: AbortSignal): Promise<string> {
  const [{ openFlow }, { listenForCallback }] = await Promise.all([
    import("../sign-in/oidc.ts"),
    import("../sign-in/callback.ts"),
  ]);
  const callback = await listenForCallback(port);
  try {
    const flow = await openFlow(oidc, callback.uri, ending);
    ctx.note(`sign in here:\n\n  ${flow.address}\n`);
    if (ctx.io.stderr.isTTY) await openBrowser(flow.address);
    return await flow.redeem(await orEnd(callback.returned, ending), ending);
  } finally {
    callback.close();
  }
}

/** With a browser anywhere: by a code where the issuer has that (RFC 8628), else by the address that the browser ends at. */
async function idTokenElsewhere(ctx: Ctx, oidc: Oidc, port: number, ending: AbortSignal): Promise<string> {
  const [{ openFlow }, { openDeviceFlow }, { callbackUri }] = await Promise.all([
    import("../sign-in/oidc.ts"),
    import("../sign-in/device.ts"),
    import("../sign-in/callback.ts"),
  ]);
  const device = await openDeviceFlow(oidc, ending);
  if (device !== undefined) {
    ctx.note(`on any machine, open\n\n  ${device.address}\n\nand enter the code ${device.code}`);
    return device.redeem(ending);
  }
  const flow = await openFlow(oidc, callbackUri(port), ending);
  ctx.note(`sign in here:\n\n  ${flow.address}\n`);
  return flow.redeem(await pasted(ctx), ending);
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
