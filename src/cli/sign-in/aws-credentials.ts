import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { AwsCredentials } from "./sigv4.ts";

type Env = Readonly<Record<string, string | undefined>>;

const ASK_MS = 60_000;

/**
 * The person's AWS credentials: of the environment, else what the `aws` program says of the profile (it knows single sign-on, assumed roles and machines' own),
 * else the keys in the shared credentials file. Throws Unauthenticated when there are none.
 */
export async function findAwsCredentials(env: Env): Promise<AwsCredentials> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env;
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, ...tokenIn(AWS_SESSION_TOKEN) };
  const profile = env.AWS_PROFILE || "default";
  const asked = await askAwsProgram(profile, env);
  const found = asked.credentials ?? inCredentialsFile(profile, env);
  if (found !== undefined) return found;
  throw new AppError("Unauthenticated", `there are no AWS credentials of profile \`${profile}\`: ${asked.why}`, {
    hint: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sso login` renews a session",
  });
}

/** The region that an API's own address names, else the environment's. Throws InvalidArgument when neither does. */
export function regionOf(address: URL, env: Env): string {
  const named = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(address.hostname)?.[1];
  const region = named ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION);
  if (region) return region;
  throw new AppError("InvalidArgument", `\`${address.origin}\` does not tell its AWS region`, {
    hint: "set AWS_REGION",
  });
}

function askAwsProgram(
  profile: string,
  env: Env,
): Promise<{ readonly credentials?: AwsCredentials; readonly why: string }> {
  const args = ["configure", "export-credentials", "--profile", profile, "--format", "process"];
  return new Promise((resolve) => {
    execFile("aws", args, { env: { ...env }, timeout: ASK_MS }, (error, stdout, stderr) => {
      if (error !== null) {
        const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
        resolve({ why: isAbsent ? "there is no `aws` program to ask" : `\`aws\` says: ${stderr.trim()}` });
        return;
      }
      try {
        const { AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(stdout) as Record<string, string>;
        if (AccessKeyId === undefined || SecretAccessKey === undefined) throw new Error("no keys in it");
        const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, ...tokenIn(SessionToken) };
        resolve({ credentials, why: "" });
      } catch (cause) {
        resolve({ why: `\`aws\` answered what can't be read: ${(cause as Error).message}` });
      }
    });
  });
}

function inCredentialsFile(profile: string, env: Env): AwsCredentials | undefined {
  const path = env.AWS_SHARED_CREDENTIALS_FILE || join(env.HOME || homedir(), ".aws", "credentials");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const fields = new Map<string, string>();
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1] ?? section;
    const [, name, value] = /^\s*(aws_\w+)\s*=\s*(\S+)/.exec(line) ?? [];
    if (section === profile && name !== undefined && value !== undefined) fields.set(name, value);
  }
  const [accessKeyId, secretAccessKey] = [fields.get("aws_access_key_id"), fields.get("aws_secret_access_key")];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...tokenIn(fields.get("aws_session_token")) };
}

function tokenIn(sessionToken: string | undefined): { readonly sessionToken?: string } {
  return sessionToken ? { sessionToken } : {};
}
