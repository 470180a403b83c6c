import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { Vault } from "../../core/ports/vault.ts";
import { checkSecret, checkSecretName } from "../../core/ports/vault-rules.ts";
import { readIfPresent, syncFolder, writeFileAtomic } from "./files.ts";
import { loadKey } from "./key-file.ts";
import { compareBytes } from "./table-clause.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENDING = ".secret";

interface Entry {
  readonly name: string;
  readonly secret: string;
}

/**
 * The Vault port on one AES-256-GCM file per secret: nonce, tag, then `{name, secret}` encrypted. A file is named by a keyed hash of the secret's name,
 * so neither shows on the disk, and is bound to it, so files can't be swapped.
 */
export function openVault(options: { readonly dir: string }): Vault {
  const { dir } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const key = loadKey(join(dir, "vault.key"), secretFiles(dir).length === 0);
  let names: Set<string> | undefined;

  function fileOf(name: string): string {
    checkSecretName(name);
    return createHmac("sha256", key).update(name).digest("hex") + ENDING;
  }

  function encrypt(file: string, entry: Entry): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(file));
    const body = Buffer.concat([cipher.update(JSON.stringify(entry), "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  function decrypt(file: string, bytes: Buffer): Entry {
    try {
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(file))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const body = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(body.toString("utf8")) as Entry;
    } catch (error) {
      throw new AppError(
        "Unavailable",
        `secret file \`${join(dir, file)}\` was changed, or encrypted with another key`,
        { hint: "restore the vault folder from a backup, or delete the file and enter the secret again" },
        { cause: error },
      );
    }
  }

  function allNames(): Set<string> {
    if (names === undefined) {
      names = new Set();
      for (const file of secretFiles(dir)) {
        const bytes = readIfPresent(join(dir, file));
        if (bytes !== undefined) {
          names.add(decrypt(file, bytes).name);
        }
      }
    }
    return names;
  }

  return {
    async put(name, secret) {
      const file = fileOf(name);
      checkSecret(name, secret);
      writeFileAtomic(join(dir, file), encrypt(file, { name, secret }));
      names?.add(name);
    },
    async get(name) {
      const file = fileOf(name);
      const bytes = readIfPresent(join(dir, file));
      return bytes === undefined ? undefined : decrypt(file, bytes).secret;
    },
    async delete(name) {
      rmSync(join(dir, fileOf(name)), { force: true });
      syncFolder(dir);
      names?.delete(name);
    },
    async list(prefix) {
      return [...allNames()].filter((name) => name.startsWith(prefix)).sort(compareBytes);
    },
  };
}

function secretFiles(dir: string): readonly string[] {
  return readdirSync(dir).filter((file) => file.endsWith(ENDING));
}
