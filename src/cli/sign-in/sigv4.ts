import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Unsigned {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers that sign a request for AWS (Signature Version 4), the given ones with them. Paths are encoded once more, as every service but S3 wants it. */
export function signForAws(
  request: Unsigned,
  scope: {
    readonly credentials: AwsCredentials;
    readonly region: string;
    readonly service: string;
    readonly nowMs: number;
  },
): Record<string, string> {
  const { credentials, region, service } = scope;
  const stamp = new Date(scope.nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const date = stamp.slice(0, 8);
  const added = {
    host: request.url.host,
    "x-amz-date": stamp,
    ...(credentials.sessionToken === undefined ? {} : { "x-amz-security-token": credentials.sessionToken }),
  };
  const signed = sorted(
    Object.entries({ ...request.headers, ...added }).map(([name, value]) => [name.toLowerCase(), value.trim()]),
  );
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    request.url.pathname.split("/").map(encode).join("/"),
    sorted([...request.url.searchParams].map(([name, value]) => [encode(name), encode(value)]))
      .map(([name, value]) => `${name}=${value}`)
      .join("&"),
    ...signed.map(([name, value]) => `${name}:${value.replace(/ +/g, " ")}`),
    "",
    names,
    sha256(request.body),
  ].join("\n");
  const place = `${date}/${region}/${service}/aws4_request`;
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, ["AWS4-HMAC-SHA256", stamp, place, sha256(canonical)].join("\n")).toString("hex");
  const { host: _host, ...sent } = added;
  return {
    ...request.headers,
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${place}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function sorted(pairs: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  return pairs.toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)));
}

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
