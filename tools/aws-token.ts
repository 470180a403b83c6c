import { parseArgs } from "node:util";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { openHomeKey } from "../src/adapters/aws/home-key.ts";
import { openSigner } from "../src/adapters/aws/signer.ts";
import { signUserToken } from "../src/core/auth/tokens.ts";

/**
 * Prints an owner's token of an AWS home. Whoever may read the home's secret is its owner, so this needs no server; it stands in for signing in until there is one.
 * Region and credentials come from the environment, as for every AWS tool.
 */
const USAGE = `usage: node tools/aws-token.ts --secret ARN [--name NAME] [--hours 12]
  ARN is the output \`VaultKeyArn\` of the stack \`trainyard-data\``;

const { values } = parseArgs({
  options: {
    secret: { type: "string" },
    name: { type: "string", default: "owner" },
    hours: { type: "string", default: "12" },
  },
});
const hours = Number(values.hours);
if (values.secret === undefined || !(hours > 0 && hours <= 24 * 366)) {
  console.error(USAGE);
  process.exit(2);
}
const homeKey = openHomeKey({ client: new SecretsManagerClient({}), secretId: values.secret });
const nowMs = Date.now();
console.log(
  await signUserToken(openSigner({ homeKey }), {
    name: values.name,
    roles: { "*": "owner" },
    id: `tool-${nowMs.toString(36)}`,
    expiresSec: Math.floor(nowMs / 1000 + hours * 3600),
  }),
);
