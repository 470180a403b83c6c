import {
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  type KMSClient,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { AppError } from "../../../contract/errors.ts";
import { nameOf } from "../fault.ts";
import { unfit, using } from "./refusal.ts";
import { type StorageSettings, tagsOf } from "./settings.ts";

/** The shortest time that KMS keeps a deleted key. */
const PENDING_DAYS = 7;
const USES = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];

/** A key that the home's roles may use, and the account's policies administer; 1 USD a month. */
export async function makeKey(kms: KMSClient, settings: StorageSettings, workspace: string): Promise<string> {
  const made = await using({ right: "kms:CreateKey", resource: "*" }, () =>
    kms.send(
      new CreateKeyCommand({
        Description: `Trainyard ${settings.home}, workspace ${workspace}`.slice(0, 8192),
        Policy: JSON.stringify(policy(settings)),
        Tags: tagsOf(settings, workspace).map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value })),
      }),
    ),
  );
  const arn = made.KeyMetadata?.Arn;
  if (arn === undefined) throw new AppError("Unavailable", "KMS made a key and did not name it");
  return arn;
}

/** Roles are known by the tag that all of the home's stacks carry (lib/home.ts): a policy by the key's own tags would hold minutes later only. */
function policy({ home, account, partition }: StorageSettings) {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: "kms:*",
        Resource: "*",
      },
      {
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: USES,
        Resource: "*",
        Condition: { StringEquals: { "kms:CallerAccount": account, "aws:PrincipalTag/trainyard:stage": home } },
      },
    ],
  };
}

/** That it is a key for data, of this region, and encrypts and decrypts for the home. */
export async function checkKey(kms: KMSClient, { region }: StorageSettings, arn: string): Promise<void> {
  if (arn.split(":")[3] !== region)
    throw unfit(`key \`${arn}\` is of another region`, `a bucket's key is of its region, ${region}`);
  const use = <T>(right: string, work: () => Promise<T>) => using({ right: `kms:${right}`, resource: arn }, work);
  const { KeyMetadata } = await use("DescribeKey", () => kms.send(new DescribeKeyCommand({ KeyId: arn })));
  const { KeyState, KeySpec } = KeyMetadata ?? {};
  if (KeyState !== "Enabled" || KeySpec !== "SYMMETRIC_DEFAULT")
    throw unfit(`key \`${arn}\` is ${KeyState}, ${KeySpec}`, "it has to be Enabled, SYMMETRIC_DEFAULT");
  const probe = new TextEncoder().encode("a probe");
  const sealed = await use("Encrypt", () => kms.send(new EncryptCommand({ KeyId: arn, Plaintext: probe })));
  const opened = await use("Decrypt", () =>
    kms.send(new DecryptCommand({ KeyId: arn, CiphertextBlob: sealed.CiphertextBlob })),
  );
  if (Buffer.compare(opened.Plaintext ?? new Uint8Array(), probe) !== 0)
    throw new AppError("Unavailable", `key \`${arn}\` decrypted other bytes than it encrypted`);
}

export async function freeKey(kms: KMSClient, arn: string): Promise<void> {
  const command = new ScheduleKeyDeletionCommand({ KeyId: arn, PendingWindowInDays: PENDING_DAYS });
  // Invalid: it is pending already.
  await kms.send(command).catch((error: unknown) => {
    if (!/^(?:NotFound|KMSInvalidState)/.test(nameOf(error))) throw error;
  });
}
