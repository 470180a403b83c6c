import type { SignIn } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import { addressIn, fetchJson, IssuerRefusal, readIssuer } from "./oidc.ts";

type Oidc = NonNullable<SignIn["oidc"]>;

/** An attempt to sign in with a browser on another machine (RFC 8628). */
export interface DeviceFlow {
  readonly address: string;
  /** What the person enters there. */
  readonly code: string;
  /** The ID token, once the person has signed in. */
  redeem(signal: AbortSignal): Promise<string>;
}

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const SLOWER_SEC = 5;

/** Undefined where the issuer has no such way. */
export async function openDeviceFlow(oidc: Oidc, signal: AbortSignal): Promise<DeviceFlow | undefined> {
  const { issuer, described } = await readIssuer(oidc, signal);
  if (issuer.device_authorization_endpoint === undefined) return undefined;
  const ask = addressIn(issuer, "device_authorization_endpoint", described);
  const tokens = addressIn(issuer, "token_endpoint", described);
  const client = { client_id: oidc.client_id };
  const body = new URLSearchParams({ ...client, scope: oidc.scopes.join(" ") });
  const begun = await fetchJson(ask.href, { method: "POST", body, signal });
  const { device_code: device, user_code: code, verification_uri: address, interval = SLOWER_SEC } = begun;
  if (typeof device !== "string" || typeof code !== "string" || typeof address !== "string") {
    throw new AppError("Unavailable", `\`${ask.href}\` answered no code`);
  }

  return {
    address,
    code,
    async redeem(ending) {
      const form = new URLSearchParams({ ...client, grant_type: GRANT, device_code: device });
      for (let waitSec = Number(interval); ; ) {
        await pause(waitSec * 1000, ending);
        const answer = await fetchJson(tokens.href, { method: "POST", body: form, signal: ending }).catch(refusal);
        if (answer instanceof IssuerRefusal) {
          if (answer.code === "slow_down") waitSec += SLOWER_SEC;
          else if (answer.code !== "authorization_pending") {
            throw new AppError("Unauthenticated", `signing in was refused: ${answer.message}`);
          }
        } else if (typeof answer.id_token === "string") return answer.id_token;
        else throw new AppError("Unavailable", `\`${tokens.href}\` answered no ID token`);
      }
    },
  };
}

/** An issuer's refusal as a value; other failures go on. */
function refusal(error: unknown): IssuerRefusal {
  if (error instanceof AppError && error.cause instanceof IssuerRefusal) return error.cause;
  throw error;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
