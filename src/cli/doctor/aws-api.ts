import { AppError } from "../../contract/errors.ts";
import { type AwsCredentials, signForAws } from "../sign-in/sigv4.ts";

/** A few calls of AWS without its SDK. */
export interface AwsApi {
  /** A service that speaks JSON. Throws AwsRefusal. */
  json(service: string, target: string, body: object): Promise<Record<string, unknown>>;
  /** A service that speaks forms and XML; answers the XML, and when the service said it. Throws AwsRefusal. */
  query(
    service: string,
    params: Readonly<Record<string, string>>,
  ): Promise<{ readonly xml: string; readonly date: string | null }>;
}

/** AWS said no. */
export class AwsRefusal extends Error {
  /** `AccessDeniedException`, `NoSuchResourceException`, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message === "" ? code : `${code}: ${message}`);
    this.code = code;
  }
}

interface AwsApiOptions {
  readonly credentials: AwsCredentials;
  readonly region: string;
  /** One address for every service, as an emulator has. @default each service's own */
  readonly endpoint?: string | undefined;
  readonly signal: AbortSignal;
}

/** Services of the whole account, which are signed for one region. */
const GLOBAL = ["iam"];
const GLOBAL_REGION = "us-east-1";

export function openAwsApi({ credentials, region, endpoint, signal }: AwsApiOptions): AwsApi {
  async function send(service: string, headers: Record<string, string>, body: string): Promise<Response> {
    const isGlobal = GLOBAL.includes(service);
    const host = isGlobal ? `${service}.amazonaws.com` : `${service}.${region}.amazonaws.com`;
    const request = { method: "POST", url: new URL("/", endpoint ?? `https://${host}`), headers, body };
    const scope = { credentials, service, region: isGlobal ? GLOBAL_REGION : region, nowMs: Date.now() };
    try {
      return await fetch(request.url, { method: "POST", headers: signForAws(request, scope), body, signal });
    } catch (cause) {
      throw new AppError("Unavailable", `${request.url.host} can't be reached`, {}, { cause });
    }
  }

  return {
    async json(service, target, body) {
      const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
      const response = await send(service, headers, JSON.stringify(body));
      const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
      if (response.ok) return answer;
      const code = String(answer.__type ?? response.status).replace(/^.*#/, "");
      throw new AwsRefusal(code, String(answer.message ?? answer.Message ?? ""));
    },
    async query(service, params) {
      const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
      const response = await send(service, headers, new URLSearchParams(params).toString());
      const xml = await response.text();
      if (!response.ok) throw new AwsRefusal(tag(xml, "Code") ?? String(response.status), tag(xml, "Message") ?? "");
      return { xml, date: response.headers.get("date") };
    },
  };
}

/** Text of the first element of a name. */
export function tag(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
