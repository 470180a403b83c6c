import { computes } from "../../client/routes.ts";
import type { Compute, ComputeSpec } from "../../contract/computes.ts";
import { AppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import { collect, confirm, flags, keyValues } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { type Column, list, nothing, one } from "../output/shown.ts";
import { takeInSpec } from "../take-in.ts";

const COLUMNS: readonly Column<Compute>[] = [
  { head: "Name", of: (it) => it.name },
  { head: "Type", of: (it) => it.type },
  { head: "State", of: (it) => it.reason ?? it.provisioning_state },
  { head: "Running", of: (it) => it.running },
  { head: "Waiting", of: (it) => it.waiting },
  { head: "Slots", of: (it) => it.slots },
];

const ATTACH = {
  host: flag.text("Address of the machine", { placeholder: "host" }),
  port: flag.number("SSH port; default 22", { placeholder: "port" }),
  username: flag.text("User to sign in as", { short: "u", placeholder: "user" }),
  hostKey: flag.text("The machine's fingerprint, as `ssh-keygen -l` prints it: SHA256:...", {
    placeholder: "fingerprint",
  }),
  keyFile: flag.text("Private key file; it is kept in the home's vault", { placeholder: "file" }),
  passwordEnv: flag.text("Environment variable that holds the password or the key's passphrase", {
    placeholder: "name",
  }),
  folder: flag.text("Folder on that machine; default ~/.trainyard-compute", { placeholder: "dir" }),
};
const SIZES = {
  slots: flag.number("Jobs at once", { placeholder: "count" }),
  size: flag.text("Machine size, of clusters and instances", { placeholder: "size" }),
  tier: flag.choice("Tier of a cluster", ["dedicated", "low_priority", "on_demand", "spot"]),
  minInstances: flag.number("Least machines of a cluster", { placeholder: "count" }),
  maxInstances: flag.number("Most machines of a cluster", { placeholder: "count" }),
  min: flag.number("The same as --min-instances", { placeholder: "count" }),
  max: flag.number("The same as --max-instances", { placeholder: "count" }),
  idleTimeBeforeScaleDown: flag.number("Seconds a machine may idle", { placeholder: "seconds" }),
};
const WORDS = {
  description: flag.text("What it is for", { placeholder: "text" }),
  tags: flag.many("Tags: key=value ...", { placeholder: "key=value" }),
};

/** Azure's names of kinds, and ssh, which is how a machine is attached. */
const TYPES: Readonly<Record<string, ComputeSpec["type"]>> = {
  local: "local",
  attached: "attached",
  ssh: "attached",
  virtualmachine: "attached",
  cluster: "cluster",
  amlcompute: "cluster",
  instance: "instance",
  computeinstance: "instance",
};

function typeOf(word: string): ComputeSpec["type"] {
  const type = TYPES[word.toLowerCase()];
  if (type !== undefined) return type;
  throw new AppError("InvalidArgument", `\`${word}\` is not a type of compute`, {
    hint: "types: local, ssh, cluster, instance",
  });
}

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}

async function put(ctx: Ctx, name: string, spec: ComputeSpec) {
  const { client, workspace } = await ctx.link();
  return one(await client.call(computes.put, { params: { workspace, name }, body: spec }), briefOf);
}

function briefOf(it: Compute): [string, unknown][] {
  return [
    ["Name", it.name],
    ["Type", it.type],
    ["State", it.provisioning_state],
    ["Reason", it.reason],
    ["Note", it.notes?.join("; ")],
    ["Jobs", `${it.running} running, ${it.waiting} waiting${it.slots === undefined ? "" : `, ${it.slots} at once`}`],
    ["Settings", it.settings],
    ["Tags", it.tags],
  ];
}

function words(given: { readonly description: string | undefined; readonly tags: readonly string[] }) {
  return { description: given.description, tags: given.tags.length > 0 ? keyValues("--tags", given.tags) : undefined };
}

/** Azure detaches what was attached and deletes what was created; here both forget the record. */
const remove = command({
  brief: "Delete a compute that has no jobs",
  flags: { name: flags.name("compute"), yes: flags.yes(), noWait: flags.noWait() },
  run: async (ctx, { name, yes }) => {
    const { client, workspace } = await ctx.link();
    await confirm(ctx, yes, `delete compute ${name}?`);
    await client.call(computes.delete, { params: { workspace, name } });
    return nothing();
  },
});

export const compute: Noun = {
  brief: "Machines that run jobs",
  verbs: {
    create: command({
      brief: "Make or change a compute, from a file or from flags",
      flags: {
        name: flags.maybeName("compute"),
        file: flags.maybeFile(),
        set: flags.set(),
        type: flag.text("local, ssh, cluster, instance", { short: "t", placeholder: "type" }),
        ...SIZES,
        ...WORDS,
        noWait: flags.noWait(),
      },
      run: async (ctx, given) => {
        if (given.file !== undefined) {
          const { name, spec } = await takeInSpec(ctx, "compute", given.file, { set: given.set, name: given.name });
          if (name === undefined) throw missing("the name", "`--name NAME`");
          return put(ctx, name, spec);
        }
        if (given.name === undefined || given.type === undefined)
          throw missing("the file, or name and type", "`yard compute create --file FILE`");
        const type = typeOf(given.type);
        if (type === "attached")
          throw new AppError("InvalidArgument", "a machine over SSH is attached", {
            hint: "`yard compute attach --type ssh ...`",
          });
        if (type === "local") return put(ctx, given.name, defined({ type, slots: given.slots, ...words(given) }));
        if (type === "instance") return put(ctx, given.name, defined({ type, size: given.size, ...words(given) }));
        return put(
          ctx,
          given.name,
          defined({
            type,
            size: given.size,
            tier: given.tier,
            min_instances: given.minInstances ?? given.min,
            max_instances: given.maxInstances ?? given.max,
            idle_time_before_scale_down: given.idleTimeBeforeScaleDown,
            ...words(given),
          }),
        );
      },
    }),
    attach: command({
      brief: "Use another machine over SSH",
      flags: {
        name: flags.maybeName("compute"),
        file: flags.maybeFile(),
        set: flags.set(),
        type: flag.text("ssh", { short: "t", placeholder: "type" }),
        ...ATTACH,
        slots: SIZES.slots,
        ...WORDS,
      },
      run: async (ctx, given) => {
        if (given.file !== undefined) {
          const { name, spec } = await takeInSpec(ctx, "compute", given.file, { set: given.set, name: given.name });
          if (name === undefined) throw missing("the name", "`--name NAME`");
          return put(ctx, name, spec);
        }
        if (typeOf(given.type ?? "ssh") !== "attached")
          throw new AppError("InvalidArgument", `\`${given.type}\` is not attached but created`, {
            hint: "`yard compute create`",
          });
        const { name, host, username, hostKey } = given;
        if (name === undefined || host === undefined || username === undefined || hostKey === undefined) {
          throw missing(
            "one of --name, --host, --username, --host-key",
            "`ssh-keyscan HOST | ssh-keygen -lf -` shows the host key",
          );
        }
        const credentials = await credentialsOf(ctx, given.keyFile, given.passwordEnv);
        return put(
          ctx,
          name,
          defined({
            type: "attached" as const,
            host,
            port: given.port,
            username,
            host_key: hostKey,
            folder: given.folder,
            slots: given.slots,
            credentials,
            ...words(given),
          }),
        );
      },
    }),
    list: command({
      brief: "Computes of the workspace",
      flags: {
        type: flag.text("Only of this type", { short: "t", placeholder: "type" }),
        maxResults: flags.maxResults(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const items = await collect(ctx, given.maxResults, (query) =>
          client.call(computes.list, { params: { workspace }, query }),
        );
        const type = given.type === undefined ? undefined : typeOf(given.type);
        return list(type === undefined ? items : items.filter((item) => item.type === type), COLUMNS);
      },
    }),
    show: command({
      brief: "One compute",
      flags: { name: flags.name("compute") },
      run: async (ctx, { name }) => {
        const { client, workspace } = await ctx.link();
        return one(await client.call(computes.get, { params: { workspace, name } }), briefOf);
      },
    }),
    update: command({
      brief: "Change a compute's limits, words and tags",
      flags: {
        name: flags.name("compute"),
        slots: SIZES.slots,
        minInstances: SIZES.minInstances,
        maxInstances: SIZES.maxInstances,
        idleTimeBeforeScaleDown: SIZES.idleTimeBeforeScaleDown,
        ...WORDS,
        noWait: flags.noWait(),
      },
      run: async (ctx, given) => {
        const { client, workspace } = await ctx.link();
        const now = await client.call(computes.get, { params: { workspace, name: given.name } });
        const changes = defined({
          slots: given.slots,
          min_instances: given.minInstances,
          max_instances: given.maxInstances,
          idle_time_before_scale_down: given.idleTimeBeforeScaleDown,
          ...words(given),
        });
        const kept = defined({ description: now.description, tags: now.tags });
        const spec = { ...now.settings, type: now.type, ...kept, ...changes };
        return put(ctx, given.name, spec as unknown as ComputeSpec);
      },
    }),
    delete: remove,
    detach: remove,
  },
};

async function credentialsOf(ctx: Ctx, keyFile: string | undefined, passwordEnv: string | undefined) {
  const secret = passwordEnv === undefined ? undefined : ctx.io.env[passwordEnv];
  if (passwordEnv !== undefined && secret === undefined) {
    throw new AppError("InvalidArgument", `environment variable \`${passwordEnv}\` is not set`);
  }
  if (keyFile === undefined) return secret === undefined ? undefined : { password: secret };
  const [{ readFileSync }, { resolve }] = await Promise.all([import("node:fs"), import("node:path")]);
  try {
    const key = readFileSync(resolve(ctx.io.cwd, keyFile), "utf8");
    return { private_key: key, ...(secret === undefined ? {} : { passphrase: secret }) };
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      `key file \`${keyFile}\` cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}
