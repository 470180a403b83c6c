import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openHomeKey } from "../../src/adapters/aws/home-key.ts";
import { openSigner } from "../../src/adapters/aws/signer.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { secretKey } from "../../src/store/facts/keys.ts";
import { describeSigner } from "../contract/describe-signer.ts";
import { describeVault } from "../contract/describe-vault.ts";
import { expectCode, unique } from "../helpers/ports.ts";
import { type Aws, openAws } from "./aws.ts";
import { openTableIn } from "./tables.ts";

let aws: Aws;
let client: SecretsManagerClient;

beforeAll(async () => {
  aws = await openAws();
  client = new SecretsManagerClient(aws.config);
  aws.later(() => client.destroy());
});

afterAll(() => aws.stop());

async function makeSecret(SecretString = unique("secret".repeat(6))): Promise<string> {
  return createSecret(unique("key"), SecretString);
}

async function createSecret(Name: string, SecretString: string): Promise<string> {
  const Tags = Object.entries(aws.tags).map(([Key, Value]) => ({ Key, Value }));
  const { ARN = "" } = await client.send(new CreateSecretCommand({ Name, SecretString, Tags }));
  aws.later(() => client.send(new DeleteSecretCommand({ SecretId: ARN, ForceDeleteWithoutRecovery: true })));
  return ARN;
}

describeVault("Secrets Manager and DynamoDB", async () => {
  const secretId = await makeSecret();
  const table = await openTableIn(aws);
  return {
    open: async () => openVault({ table, homeKey: openHomeKey({ client, secretId }) }),
    cleanup: async () => undefined,
  };
});

describeSigner("a key from Secrets Manager", async () => {
  const secretId = await makeSecret();
  return {
    open: () => openSigner({ homeKey: openHomeKey({ client, secretId }) }),
    cleanup: async () => undefined,
  };
});

describe("keys", () => {
  test("the table shows no secret, and one that was changed, swapped or is of another key is refused", async () => {
    const table = await openTableIn(aws);
    const vault = openVault({ table, homeKey: openHomeKey({ client, secretId: await makeSecret() }) });
    const other = openVault({ table, homeKey: openHomeKey({ client, secretId: await makeSecret() }) });
    await vault.put("a", "hunter2hunter2");
    await vault.put("b", "other");

    const item = await table.get(secretKey("a"));
    expect(Buffer.from(item?.sealed as Uint8Array).toString("latin1")).not.toContain("hunter2");
    await expectCode(() => other.get("a"), "Unavailable");
    if (item !== undefined) await table.transact([{ kind: "put", item: { ...item, ...secretKey("b") } }]);
    await expectCode(() => vault.get("b"), "Unavailable");

    expect(await vault.get("a")).toBe("hunter2hunter2");
  });

  test("a secret that is missing or too short is told, and read again once it is there", async () => {
    const name = unique("late");
    const homeKey = openHomeKey({ client, secretId: name });
    await expectCode(() => homeKey.derive("signer"), "Unavailable");
    await expectCode(
      async () => openHomeKey({ client, secretId: await makeSecret("short") }).derive("vault"),
      "Unavailable",
    );

    await createSecret(name, "x".repeat(64));

    expect((await homeKey.derive("signer")).symmetricKeySize).toBe(32);
  });
});
