import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";
import { AppError } from "../../contract/errors.ts";
import type { Item, Table } from "../../core/ports/table.ts";
import type { Vault } from "../../core/ports/vault.ts";
import { checkSecret, checkSecretName } from "../../core/ports/vault-rules.ts";
import { secretKey, secretNameKey } from "../../store/facts/keys.ts";
import type { HomeKey } from "./home-key.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The Vault port on the record table: each secret is one item, AES-256-GCM under a key derived from the home's one secret (0.40 USD a month, however
 * many secrets there are) and bound to its name, so that items can't be swapped; or under one of its workspace's own secret. Names lie beside, in an item of their own, so that listing reads no secret.
 */
export function openVault(options: {
  readonly table: Table;
  readonly homeKey: HomeKey;
  /** Of a secret that is encrypted by another than the home's; a name is `KIND/WORKSPACE/…`. */
  readonly keyOf?: (workspace: string) => Promise<HomeKey | undefined>;
}): Vault {
  const { table, homeKey, keyOf } = options;

  async function keyFor(name: string): Promise<KeyObject> {
    const [, workspace] = name.split("/");
    const own = workspace === undefined ? undefined : await keyOf?.(workspace);
    return (own ?? homeKey).derive("vault");
  }

  async function encrypt(name: string, secret: string): Promise<Uint8Array> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", await keyFor(name), nonce).setAAD(Buffer.from(name));
    const body = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), body]));
  }

  async function decrypt(name: string, item: Item): Promise<string> {
    const key = await keyFor(name);
    try {
      const bytes = Buffer.from(item.sealed as Uint8Array);
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(name))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const body = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
      return Buffer.concat(body).toString("utf8");
    } catch (error) {
      throw new AppError(
        "Unavailable",
        `secret \`${name}\` was changed, or encrypted with another key`,
        { hint: "restore the home's key, or enter the secret again" },
        { cause: error },
      );
    }
  }

  return {
    async put(name, secret) {
      checkSecretName(name);
      checkSecret(name, secret);
      const sealed = await encrypt(name, secret);
      await table.transact([
        { kind: "put", item: { ...secretKey(name), type: "SECRET", v: 1, sealed } },
        { kind: "put", item: { ...secretNameKey(name), type: "SECRET_NAME", v: 1 } },
      ]);
    },
    async get(name) {
      checkSecretName(name);
      const item = await table.get(secretKey(name));
      return item === undefined ? undefined : decrypt(name, item);
    },
    async delete(name) {
      checkSecretName(name);
      await table.transact([
        { kind: "delete", key: secretKey(name) },
        { kind: "delete", key: secretNameKey(name) },
      ]);
    },
    async list(prefix) {
      const { pk } = secretNameKey("-");
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query({ pk, sk: { prefix }, ...(cursor === undefined ? {} : { cursor }) });
        names.push(...page.items.map((item) => item.sk));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return names;
    },
  };
}
