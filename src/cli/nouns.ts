import type { Noun } from "./command.ts";

interface NounEntry {
  readonly brief: string;
  readonly load: () => Promise<Noun>;
}

/** What `yard` knows, in the order help shows it. Each noun's module is loaded when it is named. */
export const NOUNS: Readonly<Record<string, NounEntry>> = {
  up: { brief: "Start the laptop home in the foreground", load: async () => (await import("./nouns/up.ts")).up },
  status: {
    brief: "Where the home is, and whether it answers",
    load: async () => (await import("./nouns/status.ts")).status,
  },
  validate: {
    brief: "Check spec files of any kind; needs no home",
    load: async () => (await import("./nouns/validate.ts")).validate,
  },
  job: { brief: "Submit and follow jobs", load: async () => (await import("./nouns/job.ts")).job },
  schedule: {
    brief: "Jobs at times, and when something happens",
    load: async () => (await import("./nouns/schedule.ts")).schedule,
  },
  notification: {
    brief: "Who is told of what happens",
    load: async () => (await import("./nouns/notification.ts")).notification,
  },
  experiment: { brief: "Experiments", load: async () => (await import("./nouns/experiment.ts")).experiment },
  model: { brief: "Registered models", load: async () => (await import("./nouns/model.ts")).model },
  "online-endpoint": {
    brief: "Addresses that score",
    load: async () => (await import("./nouns/online-endpoint.ts")).onlineEndpoint,
  },
  "online-deployment": {
    brief: "What stands behind an endpoint",
    load: async () => (await import("./nouns/online-deployment.ts")).onlineDeployment,
  },
  "batch-endpoint": {
    brief: "Published pipelines, started by a name",
    load: async () => (await import("./nouns/batch-endpoint.ts")).batchEndpoint,
  },
  "batch-deployment": {
    brief: "The versions of a published pipeline",
    load: async () => (await import("./nouns/batch-deployment.ts")).batchDeployment,
  },
  data: { brief: "Data assets", load: async () => (await import("./nouns/data.ts")).data },
  environment: {
    brief: "Environments that jobs and deployments run in",
    load: async () => (await import("./nouns/environment.ts")).environment,
  },
  component: { brief: "Components", load: async () => (await import("./nouns/component.ts")).component },
  datastore: { brief: "Places that hold data", load: async () => (await import("./nouns/datastore.ts")).datastore },
  secret: { brief: "Values that jobs may have", load: async () => (await import("./nouns/secret.ts")).secret },
  compute: { brief: "Machines that run jobs", load: async () => (await import("./nouns/compute.ts")).compute },
  workspace: { brief: "Workspaces", load: async () => (await import("./nouns/workspace.ts")).workspace },
  member: { brief: "Who has which role", load: async () => (await import("./nouns/member.ts")).member },
  role: { brief: "What members may do", load: async () => (await import("./nouns/role.ts")).role },
  token: { brief: "Personal access tokens", load: async () => (await import("./nouns/token.ts")).token },
  bootstrap: {
    brief: "Become the first owner of an AWS home, by your AWS credentials",
    load: async () => (await import("./nouns/bootstrap.ts")).bootstrap,
  },
  iam: {
    brief: "IAM users and roles of an AWS home: whom they stand for",
    load: async () => (await import("./nouns/iam.ts")).iam,
  },
  login: { brief: "Sign in to a home and remember it", load: async () => (await import("./nouns/login.ts")).login },
  logout: {
    brief: "Revoke this machine's token and forget it",
    load: async () => (await import("./nouns/login.ts")).logout,
  },
  whoami: {
    brief: "Who the home takes you for, and what you may do",
    load: async () => (await import("./nouns/whoami.ts")).whoami,
  },
  lineage: {
    brief: "What something was made from, and what came of it",
    load: async () => (await import("./nouns/lineage.ts")).lineage,
  },
  tensorboard: {
    brief: "See runs in TensorBoard",
    load: async () => (await import("./nouns/tensorboard.ts")).tensorboard,
  },
  activity: { brief: "What was done, by whom", load: async () => (await import("./nouns/activity.ts")).activity },
  import: {
    brief: "Move in from an MLflow server, an mlruns folder or a database",
    load: async () => (await import("./nouns/import.ts")).importNoun,
  },
  export: {
    brief: "Move out: Parquet and the original files, in a folder",
    load: async () => (await import("./nouns/export.ts")).exportNoun,
  },
  gc: {
    brief: "Free what is deleted and files that nothing names, with a receipt",
    load: async () => (await import("./nouns/gc.ts")).gc,
  },
  doctor: {
    brief: "Look for what would hinder a home",
    load: async () => (await import("./nouns/doctor.ts")).doctor,
  },
  cost: {
    brief: "What AWS would bill: an idle month of the stacks, or a job before it starts",
    load: async () => (await import("./nouns/cost.ts")).cost,
  },
  config: {
    brief: "Defaults of this machine: workspace, address, token; what MLflow needs",
    load: async () => (await import("./nouns/config.ts")).config,
  },
  version: {
    brief: "Versions of yard and of the home",
    load: async () => (await import("./nouns/version.ts")).version,
  },
  completion: {
    brief: "Completion script for bash, zsh or fish",
    load: async () => (await import("./nouns/completion.ts")).makeCompletion(() => NOUNS),
  },
};

export function rootHelp(): string {
  const width = Math.max(...Object.keys(NOUNS).map((name) => name.length));
  const lines = Object.entries(NOUNS).map(([name, { brief }]) => `  ${name.padEnd(width)}  ${brief}`);
  return `usage: yard NOUN VERB [flags]

${lines.join("\n")}

On every command:
  -w --workspace-name NAME   Workspace; default TRAINYARD_WORKSPACE, then \`yard config set workspace\`, then \`default\`
  -o --output FORMAT         table, json, jsonc, yaml, tsv or none; default: table on a terminal, json elsewhere
     --query JMESPATH        Part of the answer
  -h --help                  What a noun or verb takes: \`yard job create --help\`

The home is found by TRAINYARD_URL and TRAINYARD_TOKEN, then .trainyard/server.json here or above, then \`yard config\`.
`;
}
