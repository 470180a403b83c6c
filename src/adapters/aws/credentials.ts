import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts";
import type { Credentials } from "../../core/ports/credentials.ts";
import { rethrowFrom } from "./fault.ts";
import { workspaceOf } from "./objects-spread.ts";

/** What is lent, and of which it is a part. */
export interface LendingSettings {
  /** The role that jobs are lent; it may do more than any of them. */
  readonly roleArn: string;
  /** Of the bucket's encryption, where it is not AWS's own. */
  readonly keyArn?: string;
}

/** A bucket, and the key of its encryption, where that is not AWS's own. */
export interface LentPlace {
  readonly bucket: string;
  readonly keyArn?: string;
}

/** The longest that a role may have which was taken on by another role. */
const LENT_SEC = 3600;
const NAME_LENGTH = 64;

/** Credentials by AssumeRole of the jobs' role, with a policy for this session only. */
export function makeCredentials(options: {
  readonly sts: STSClient;
  readonly bucket: string;
  readonly settings: LendingSettings;
  /** Where the objects of a workspace are that has a bucket of its own. */
  readonly ownOf?: (workspace: string) => Promise<LentPlace | undefined>;
}): Credentials {
  const { sts, settings, ownOf } = options;

  async function placeOf(prefixes: readonly string[]): Promise<LentPlace> {
    const [workspace] = prefixes.map(workspaceOf);
    if (prefixes.some((prefix) => workspaceOf(prefix) !== workspace))
      throw new Error(`no place has all of ${prefixes.join(", ")}`);
    const own = workspace === undefined ? undefined : await ownOf?.(workspace);
    const { keyArn } = settings;
    return own ?? { bucket: options.bucket, ...(keyArn === undefined ? {} : { keyArn }) };
  }

  return {
    async lend(name, prefixes) {
      const place = await placeOf(prefixes);
      const { policy, count } = longestPolicy(place, prefixes, settings.roleArn);
      const { Credentials: keys } = await sts
        .send(
          new AssumeRoleCommand({
            RoleArn: settings.roleArn,
            RoleSessionName: name.slice(0, NAME_LENGTH).padEnd(2, "_"),
            DurationSeconds: LENT_SEC,
            Policy: policy,
          }),
        )
        .catch(rethrowFrom("STS"));
      const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = keys ?? {};
      if (!AccessKeyId || !SecretAccessKey || !SessionToken || Expiration === undefined) {
        throw new Error(`STS answered no credentials of ${settings.roleArn}`);
      }
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
        expiresMs: Expiration.getTime(),
        region: await sts.config.region(),
        bucket: place.bucket,
        prefixes: count,
      };
    },
  };
}

/** What STS takes, in characters; what it makes of it is smaller still. */
const POLICY_CHARS = 2048;

/** A policy for as many prefixes as fit, two at least. */
function longestPolicy(place: LentPlace, prefixes: readonly string[], roleArn: string) {
  for (let count = prefixes.length; ; count--) {
    const policy = JSON.stringify(sessionPolicy(place, prefixes.slice(0, count), roleArn));
    if (policy.length <= POLICY_CHARS || count <= 2) return { policy, count };
  }
}

/** A policy that narrows the jobs' role to objects below `prefixes`: what of it no statement names here is not allowed in the session. */
export function sessionPolicy(
  { bucket, keyArn }: LentPlace,
  prefixes: readonly string[],
  roleArn: string,
): { readonly Version: string; readonly Statement: readonly object[] } {
  const partition = roleArn.split(":")[1];
  const bucketArn = `arn:${partition}:s3:::${bucket}`;
  const below = prefixes.map((prefix) => `${literally(prefix)}${prefix.endsWith("/") ? "*" : ""}`);
  const allow = (actions: readonly string[], Resource: string | readonly string[], more: object = {}) => ({
    Effect: "Allow",
    Action: actions,
    Resource,
    ...more,
  });
  return {
    Version: "2012-10-17",
    Statement: [
      allow(
        ["s3:GetObject", "s3:PutObject"],
        below.map((prefix) => `${bucketArn}/${prefix}`),
      ),
      allow(["s3:ListBucket"], bucketArn, { Condition: { StringLike: { "s3:prefix": below } } }),
      ...(keyArn === undefined ? [] : [allow(["kms:Decrypt", "kms:GenerateDataKey"], keyArn)]),
    ],
  };
}

/** As a policy takes it for the very characters, not for a pattern. */
function literally(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`);
}
