import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export interface Issuer {
  readonly url: string;
  /** An ID token; claims given replace the ordinary ones. */
  sign(claims: JWTPayload, options?: { readonly foreign?: boolean }): Promise<string>;
  /** Also signs in by a code that is entered on another machine (RFC 8628). */
  hasDevices: boolean;
  /** Who signs in next. */
  person: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

export const CLIENT_ID = "trainyard-test";

/** An OpenID Connect issuer on loopback: description, keys, and the code flow with PKCE, where everybody who comes is `person` at once. */
export async function startIssuer(): Promise<Issuer> {
  const [own, foreign] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "k1", alg: "RS256", use: "sig" };
  const codes = new Map<
    string,
    { readonly challenge: string; readonly redirectUri: string; readonly nonce?: string }
  >();
  const devices = new Map<string, { readonly userCode: string; isEntered: boolean }>();
  let url = "";

  const issuer: Issuer = {
    get url() {
      return url;
    },
    hasDevices: false,
    person: { email: "Ada@Example.org", email_verified: true },
    sign: (claims, options = {}) =>
      new SignJWT({ sub: "1234", token_use: "id", iss: url, aud: CLIENT_ID, ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "k1" })
        .setIssuedAt()
        .setExpirationTime(claims.exp ?? "5m")
        .sign(options.foreign === true ? foreign.privateKey : own.privateKey),
    close: () => new Promise((done) => server.close(() => done())),
  };

  async function answer(request: IncomingMessage): Promise<{ status: number; body?: unknown; location?: string }> {
    const asked = new URL(request.url ?? "/", url);
    switch (asked.pathname) {
      case "/.well-known/openid-configuration":
        return {
          status: 200,
          body: {
            issuer: url,
            jwks_uri: `${url}/keys`,
            authorization_endpoint: `${url}/authorize`,
            token_endpoint: `${url}/token`,
            ...(issuer.hasDevices ? { device_authorization_endpoint: `${url}/devices` } : {}),
          },
        };
      case "/keys":
        return { status: 200, body: { keys: [jwk] } };
      case "/authorize": {
        const query = asked.searchParams;
        if (query.get("client_id") !== CLIENT_ID || query.get("code_challenge_method") !== "S256") {
          return { status: 400, body: { error: "invalid_request" } };
        }
        const code = randomUUID();
        const redirectUri = query.get("redirect_uri") ?? "";
        codes.set(code, { challenge: query.get("code_challenge") ?? "", redirectUri });
        const location = new URL(redirectUri);
        location.searchParams.set("code", code);
        location.searchParams.set("state", query.get("state") ?? "");
        return { status: 302, location: location.href };
      }
      case "/devices": {
        const userCode = randomUUID().slice(0, 8);
        const device = { userCode, isEntered: false };
        const deviceCode = randomUUID();
        devices.set(deviceCode, device);
        const body = {
          device_code: deviceCode,
          user_code: userCode,
          verification_uri: `${url}/device`,
          interval: 0.02,
        };
        return { status: 200, body };
      }
      case "/device": {
        for (const device of devices.values()) {
          if (device.userCode === asked.searchParams.get("user_code")) device.isEntered = true;
        }
        return { status: 200, body: {} };
      }
      case "/token": {
        const form = new URLSearchParams(await text(request));
        const device = devices.get(form.get("device_code") ?? "");
        if (device !== undefined) {
          if (!device.isEntered) return { status: 400, body: { error: "authorization_pending" } };
          return { status: 200, body: { token_type: "Bearer", id_token: await issuer.sign(issuer.person) } };
        }
        const known = codes.get(form.get("code") ?? "");
        codes.delete(form.get("code") ?? "");
        const challenge = createHash("sha256")
          .update(form.get("code_verifier") ?? "")
          .digest("base64url");
        if (known?.challenge !== challenge || known.redirectUri !== form.get("redirect_uri")) {
          return { status: 400, body: { error: "invalid_grant" } };
        }
        return { status: 200, body: { token_type: "Bearer", id_token: await issuer.sign(issuer.person) } };
      }
      default:
        return { status: 404, body: {} };
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body, location }) => {
      response.writeHead(status, {
        "content-type": "application/json",
        connection: "close",
        ...(location === undefined ? {} : { location }),
      });
      response.end(body === undefined ? "" : JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return issuer;
}

async function text(request: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of request.setEncoding("utf8")) all += chunk as string;
  return all;
}
