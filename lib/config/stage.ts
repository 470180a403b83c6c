import * as z from "zod";

/** Days that CloudWatch Logs can keep a log. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] as const;

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "1..31 lower-case letters, digits or `-`, starting with a letter");
const arn = (service: string) => z.string().regex(new RegExp(`^arn:[a-z-]+:${service}:`), `an ARN of \`${service}\``);
const ids = (prefix: string) =>
  z.array(z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `an id \`${prefix}-…\``)).min(1);

/** Machines that run jobs. */
const job = z.strictObject({
  /** Of each machine, GiB: the job's image, its code and inputs, what it writes. */
  diskGib: z.number().int().min(30).max(16_384).default(200),
  /** Most vCPUs of a pool of machines at once; what all computes together may cost. */
  maxVcpus: z.number().int().min(1).max(100_000).default(256),
});

/** A network that exists already, for what runs jobs. The API needs none. */
const network = z.strictObject({
  vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, "an id `vpc-…`"),
  /** Zones of the subnets, in their order. */
  availabilityZones: z.array(z.string()).min(1),
  /** Subnets with a way out of their own (a NAT, a transit gateway, endpoints): jobs get no public address. */
  privateSubnetIds: ids("subnet").optional(),
  /** Subnets with an internet gateway: machines have a public address while they run a job. */
  publicSubnetIds: ids("subnet").optional(),
});

const throttle = z.strictObject({
  ratePerSec: z.number().positive().default(200),
  burst: z.number().int().positive().default(400),
});

const settings = z.strictObject({
  /** Account and region; absent: those of whoever deploys. */
  account: z
    .string()
    .regex(/^\d{12}$/, "an account number of 12 digits")
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region's name, like `eu-central-1`")
    .optional(),
  /** Keep records, bytes, the key and the list of people when the stacks are destroyed, and protect them from deletion. */
  retain: z.boolean().default(true),
  /** An OpenID Connect issuer, and this home's client there; absent: a user pool of the home's own. */
  signIn: z.strictObject({ issuer: z.url(), clientId: z.string().min(1) }).optional(),
  /** Whether people of the home's own user pool need a second factor. */
  mfa: z.enum(["optional", "required"]).default("optional"),
  /** Absent: a network of the home's own, without a NAT. */
  network: network
    .refine(
      ({ privateSubnetIds, publicSubnetIds }) => privateSubnetIds !== undefined || publicSubnetIds !== undefined,
      "has neither `privateSubnetIds` nor `publicSubnetIds`",
    )
    .refine(
      ({ availabilityZones, ...subnets }) =>
        [subnets.privateSubnetIds, subnets.publicSubnetIds].every(
          (list) => list === undefined || list.length === availabilityZones.length,
        ),
      "needs as many subnets of a kind as `availabilityZones`",
    )
    .optional(),
  job: job.default({ diskGib: 200, maxVcpus: 256 }),
  /** A policy that bounds every role of the home. */
  permissionsBoundaryArn: arn("iam").optional(),
  /** The key of the table, the buckets and the secret: an ARN, or `new` (1 USD a month); absent: keys that AWS owns, which are free. */
  kmsKey: z
    .string()
    .regex(/^(new$|arn:[a-z-]+:kms:)/, "`new` or an ARN of `kms`")
    .optional(),
  /** ARNs of buckets, KMS keys, secrets and ECR repositories that exist already, and that workspaces may adopt (`yard workspace create --storage-bucket ARN`). */
  adopted: z
    .array(
      z
        .string()
        .regex(/^arn:[a-z-]+:(s3|kms|secretsmanager|ecr):[^*]*$/, "an ARN of `s3`, `kms`, `secretsmanager` or `ecr`"),
    )
    .default([]),
  /** Pages whose scripts may read and write the bucket by signed addresses; the address carries the right, so any page may that was given one. */
  studioOrigins: z.array(z.union([z.literal("*"), z.url()])).default(["*"]),
  /** Days after which logs go. */
  logDays: z.literal(LOG_DAYS).default(30),
  /** Requests of all callers together. */
  throttle: throttle.default({ ratePerSec: 200, burst: 400 }),
  /** An address in front of the API that takes files of any size from unmodified MLflow clients (CloudFront; costs nothing idle). */
  edge: z.boolean().default(true),
  /** One in CloudWatch; an account has three for nothing, each more is 3 USD a month. */
  dashboard: z.boolean().default(true),
  /** Who gets a mail when an alarm goes off. */
  alarmEmail: z.email().optional(),
});

/** What one deployment may be told; the schema says what each setting is for. */
export type StageSettings = z.input<typeof settings>;

/** What `trainyard.config.ts` exports. Stages are deployed one at a time (`-c stage=NAME`) and may share an account. */
export interface TrainyardConfig {
  /** Of every stage that does not say otherwise. */
  readonly defaults?: StageSettings;
  readonly stages: Readonly<Record<string, StageSettings>>;
}

/** One stage, with every default filled in. */
export interface Stage extends Readonly<z.output<typeof settings>> {
  /** Prefix of the names of its stacks. */
  readonly name: string;
}

export type SignIn = NonNullable<Stage["signIn"]>;

type Context = (name: string) => unknown;

/**
 * The stage that is asked for. A setting of the command line (`-c NAME=VALUE`, what is not a text as JSON) comes before the stage's own, and that before the file's default.
 * Throws with the name and the value of what is wrong.
 */
export function stageOf(
  config: TrainyardConfig,
  context: Context,
  env: Readonly<Record<string, string | undefined>>,
): Stage {
  const asked = parse(name, context("stage") ?? "trainyard", "stage");
  const own = config.stages[asked];
  if (own === undefined) {
    const known = Object.keys(config.stages).map((stage) => `\`${stage}\``);
    throw new Error(`context \`stage\` is \`${asked}\`; trainyard.config.ts has ${known.join(", ")}`);
  }
  const deployer = { account: env.CDK_DEFAULT_ACCOUNT, region: env.CDK_DEFAULT_REGION };
  const given = { ...deployer, ...config.defaults, ...own, ...said(context) };
  return { ...parse(settings, given), name: asked };
}

function said(context: Context): Record<string, unknown> {
  const issuer = context("oidcIssuer");
  const clientId = context("oidcClientId");
  const signIn = issuer === undefined && clientId === undefined ? {} : { signIn: { issuer, clientId } };
  const values = Object.keys(settings.shape).flatMap((key) => {
    const value = context(key);
    return value === undefined ? [] : [[key, typeof value === "string" ? fromText(value) : value]];
  });
  return { ...signIn, ...Object.fromEntries(values) };
}

/** The command line has texts only. An account's number stays one: it may begin with 0. */
function fromText(text: string): unknown {
  if (/^\d{12}$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown, prefix?: string): z.output<T> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const path = [...(prefix === undefined ? [] : [prefix]), ...(issue?.path ?? [])];
  const found = (issue?.path ?? []).reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  const shown = typeof found === "string" ? found : JSON.stringify(found);
  throw new Error(`setting \`${path.join(".")}\` is \`${shown}\`: ${issue?.message}`);
}
