import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { AppError } from "../../contract/errors.ts";

/** The home's one secret, from which every other key is derived. */
export interface HomeKey {
  /** 256 bits of their own for each purpose. Throws AppError("Unavailable") while the secret can't be read. */
  derive(purpose: "vault" | "signer"): Promise<KeyObject>;
}

/** A shorter secret was not made by this system's stack. */
export const LEAST_CHARS = 32;

/** Reads the secret when it is first needed, once; a failed read is tried again by the next call. */
export function openHomeKey(options: { readonly client: SecretsManagerClient; readonly secretId: string }): HomeKey {
  const { client, secretId } = options;
  const keys = new Map<string, Promise<KeyObject>>();
  let secret: Promise<string> | undefined;

  async function read(): Promise<string> {
    const { SecretString = "" } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString.length < LEAST_CHARS) throw new Error(`the secret has fewer than ${LEAST_CHARS} characters`);
    return SecretString;
  }

  async function make(purpose: string): Promise<KeyObject> {
    try {
      secret ??= read();
      return createSecretKey(Buffer.from(hkdfSync("sha256", await secret, "trainyard", purpose, 32)));
    } catch (error) {
      secret = undefined;
      keys.delete(purpose);
      throw new AppError(
        "Unavailable",
        `the home's key \`${secretId}\` can't be read: ${(error as Error).message}`,
        { hint: "check that the secret exists, and that this role may read it" },
        { cause: error },
      );
    }
  }

  return {
    derive(purpose) {
      const known = keys.get(purpose) ?? make(purpose);
      keys.set(purpose, known);
      return known;
    },
  };
}
