import "@aws-sdk/signature-v4a";
import {
  CloudFrontKeyValueStoreClient,
  type CloudFrontKeyValueStoreClientConfig,
  DescribeKeyValueStoreCommand,
  UpdateKeysCommand,
} from "@aws-sdk/client-cloudfront-keyvaluestore";
import { nameOf } from "./fault.ts";

/** A change of the table, as its stream tells it. */
export interface AccessChange {
  readonly kind: "INSERT" | "MODIFY" | "REMOVE";
  /** The item as it is, or was before it went. */
  readonly item: Readonly<Record<string, unknown>>;
  readonly atSec: number;
}

/** Clocks of whoever makes tokens and of the table may differ by less. */
const SKEW_SEC = 5;

/** Later than any token is made. */
const FOREVER = "99999999999";

/**
 * From which moment on the edge (lambdas/edge/artifacts.js) may not go by what tokens say of whom, by the names that it asks its store for: `t#TOKEN`, `p#PERSON`, `w#WORKSPACE`,
 * and `b#WORKSPACE`, as long as its files are not in the home's bucket. What is only added takes nothing away from any token.
 */
export function distrustOf(changes: readonly AccessChange[]): Readonly<Record<string, string>> {
  const since = changes.flatMap(({ kind, item, atSec }): [string, string][] => {
    const thenSec = String(atSec + SKEW_SEC);
    if (item.type === "workspace-storage") return [[`b#${item.workspace}`, kind === "REMOVE" ? thenSec : FOREVER]];
    const name = kind === "INSERT" ? undefined : nameIn(kind, item);
    return name === undefined ? [] : [[name, thenSec]];
  });
  return Object.fromEntries(since);
}

function nameIn(kind: AccessChange["kind"], item: AccessChange["item"]): string | undefined {
  switch (item.type) {
    case "token":
      return kind === "REMOVE" ? `t#${item.id}` : undefined;
    case "membership":
      return `p#${item.person}`;
    case "role":
      return `w#${item.workspace}`;
    default:
      return undefined;
  }
}

/** A client of the edge's stores. The service puts the account's number before its name, which no emulator's address can have: `oneEndpoint` is taken as it is. */
export function openEdgeClient(
  oneEndpoint: string | undefined,
  config: CloudFrontKeyValueStoreClientConfig = {},
): CloudFrontKeyValueStoreClient {
  if (oneEndpoint === undefined) return new CloudFrontKeyValueStoreClient(config);
  const signing = { signingName: "cloudfront-keyvaluestore", signingRegion: "*", signingRegionSet: ["*"] };
  const authSchemes = [{ name: "sigv4a", ...signing, properties: {} }];
  const endpointProvider = () => ({ url: new URL(oneEndpoint), properties: { authSchemes } });
  return new CloudFrontKeyValueStoreClient({ ...config, endpointProvider });
}

const ATTEMPTS = 5;

/** Writes values to the edge's store, all or none. Others may write at the same time. */
export async function tellEdge(
  client: CloudFrontKeyValueStoreClient,
  KvsARN: string,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const Puts = Object.entries(values).map(([Key, Value]) => ({ Key, Value }));
  if (Puts.length === 0) return;
  for (let attempt = 1; ; attempt++) {
    const { ETag } = await client.send(new DescribeKeyValueStoreCommand({ KvsARN }));
    try {
      await client.send(new UpdateKeysCommand({ KvsARN, IfMatch: ETag, Puts }));
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !/Conflict|PreconditionFailed/.test(nameOf(error))) throw error;
    }
  }
}
