import type { TrainingSettings } from "../../src/adapters/aws/batch/settings.ts";
import type { LendingSettings } from "../../src/adapters/aws/credentials.ts";
import type { ServingSettings } from "../../src/adapters/aws/lambda-host/settings.ts";
import type { StorageSettings } from "../../src/adapters/aws/storage/settings.ts";

/** What makes images of environments. */
export interface ImageSettings {
  /** Project of CodeBuild. */
  readonly project: string;
  /** Repository of ECR, with its registry. */
  readonly repositoryUri: string;
  /** Whose repository it is, as a tag. */
  readonly home: string;
}

/** What makes functions of deployments, and their images. */
export interface ServingPlace extends ServingSettings {
  /** Our program in images, as JSON. */
  readonly program: { readonly bucket: string; readonly key: string };
}

/** Where the runner's one file is. */
export interface RunnerPlace {
  readonly bucket: string;
  readonly key: string;
  readonly sha256: string;
}

/** What timers take. */
export interface TimerSettings {
  /** Group of schedules. */
  readonly group: string;
  /** The home's queue. */
  readonly queueArn: string;
  /** What the scheduler assumes to send to it. */
  readonly roleArn: string;
}

/** What the stack tells a function, parsed once when it starts. */
export interface Settings {
  readonly stage: string;
  readonly tableName: string;
  readonly bucketName: string;
  readonly vaultKeyArn: string;
  readonly apiUrl: string;
  /** The home's queue. */
  readonly queueUrl: string;
  /** Absent: this function sets no timers. */
  readonly timers: TimerSettings | undefined;
  /** An OpenID Connect issuer and this home's client there; absent: tokens only. */
  readonly signIn: { readonly issuer: string; readonly clientId: string } | undefined;
  /** Absent: this function makes no images. */
  readonly images: ImageSettings | undefined;
  /** Absent: this function starts no jobs. */
  readonly training: TrainingSettings | undefined;
  /** Absent: this function hands out no runner. */
  readonly runner: RunnerPlace | undefined;
  /** Absent: this function lends no credentials. */
  readonly lending: LendingSettings | undefined;
  /** Absent: this function makes and frees no storage of workspaces. */
  readonly storage: StorageSettings | undefined;
  /** Where online endpoints are asked. */
  readonly scoringUrl: string;
  /** Absent: this function makes no functions of deployments. */
  readonly serving: ServingPlace | undefined;
  /** An endpoint of one name for every service (an emulator): buckets are then part of the path. */
  readonly hasOneEndpoint: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads a variable by name; throws with the name of what is missing. */
export function settingsReader(env: Env): (name: string) => string {
  return (name) => {
    const value = env[name];
    if (value === undefined || value === "") throw new Error(`environment variable \`${name}\` is not set`);
    return value;
  };
}

export function signInOf(env: Env): Settings["signIn"] {
  return env.OIDC_ISSUER ? { issuer: env.OIDC_ISSUER, clientId: settingsReader(env)("OIDC_CLIENT_ID") } : undefined;
}

/** Throws with the name of what is missing. */
export function readSettings(env: Env): Settings {
  const text = settingsReader(env);
  return Object.freeze({
    stage: text("STAGE"),
    tableName: text("TABLE_NAME"),
    bucketName: text("BUCKET_NAME"),
    vaultKeyArn: text("VAULT_KEY_ARN"),
    apiUrl: text("API_URL"),
    queueUrl: text("QUEUE_URL"),
    timers: env.TIMERS ? (JSON.parse(env.TIMERS) as TimerSettings) : undefined,
    signIn: signInOf(env),
    images: env.IMAGES ? (JSON.parse(env.IMAGES) as ImageSettings) : undefined,
    training: env.TRAINING ? (JSON.parse(env.TRAINING) as TrainingSettings) : undefined,
    runner: env.RUNNER ? (JSON.parse(env.RUNNER) as RunnerPlace) : undefined,
    lending: env.LENDING ? (JSON.parse(env.LENDING) as LendingSettings) : undefined,
    storage: env.STORAGE ? (JSON.parse(env.STORAGE) as StorageSettings) : undefined,
    scoringUrl: env.SCORING_URL || text("API_URL"),
    serving: env.SERVING ? (JSON.parse(env.SERVING) as ServingPlace) : undefined,
    hasOneEndpoint: env.AWS_ENDPOINT_URL !== undefined,
  });
}
