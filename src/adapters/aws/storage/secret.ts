import { randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { nameOf } from "../fault.ts";
import { LEAST_CHARS } from "../home-key.ts";
import { unfit, using } from "./refusal.ts";
import { nameOfArn, type StorageSettings, tagsOf } from "./settings.ts";

const RECOVERY_DAYS = 7;

/** A secret of 384 random bits, 0.40 USD a month; answers its ARN. */
export async function makeSecret(
  secrets: SecretsManagerClient,
  settings: StorageSettings,
  { workspace, arn, keyArn }: { readonly workspace: string; readonly arn: string; readonly keyArn: string | undefined },
): Promise<string> {
  const made = await using({ right: "secretsmanager:CreateSecret", resource: arn }, () =>
    secrets
      .send(
        new CreateSecretCommand({
          Name: nameOfArn(arn),
          Description: `Key that encrypts the secrets of workspace ${workspace} in the table`,
          SecretString: randomBytes(48).toString("base64url"),
          Tags: [...tagsOf(settings, workspace)],
          ...(keyArn === undefined ? {} : { KmsKeyId: keyArn }),
        }),
      )
      // Its name is nobody else's: an answer got lost.
      .catch((error: unknown) => {
        if (nameOf(error) !== "ResourceExistsException") throw error;
        return secrets.send(new GetSecretValueCommand({ SecretId: nameOfArn(arn) }));
      }),
  );
  return made.ARN ?? arn;
}

/** That the home can read it, and that its text is long enough to encrypt by. */
export async function checkSecret(secrets: SecretsManagerClient, arn: string): Promise<void> {
  const { SecretString = "" } = await using({ right: "secretsmanager:GetSecretValue", resource: arn }, () =>
    secrets.send(new GetSecretValueCommand({ SecretId: arn })),
  );
  if (SecretString.length >= LEAST_CHARS) return;
  throw unfit(
    `secret \`${arn}\` has ${SecretString.length} characters of text`,
    `it has to have ${LEAST_CHARS} or more, and to stay as it is: what is encrypted by it can't be read by another`,
  );
}

export async function freeSecret(secrets: SecretsManagerClient, arn: string): Promise<void> {
  const command = new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: RECOVERY_DAYS });
  // Invalid: it is deleted already.
  await secrets.send(command).catch((error: unknown) => {
    if (!/^(?:ResourceNotFound|InvalidRequest)Exception$/.test(nameOf(error))) throw error;
  });
}
