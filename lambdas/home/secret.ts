import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type HomeKey, openHomeKey } from "../../src/adapters/aws/home-key.ts";

/** The home's own secret. */
export function openSecret(secretId: string): HomeKey {
  return openHomeKey({ client: new SecretsManagerClient({}), secretId });
}
