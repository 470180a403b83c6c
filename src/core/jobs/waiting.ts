/** Why a run has not begun, as far as it is known. Each is one sentence for the person who waits. */
export type WaitCause =
  /** Its compute is used by jobs that came first, `slots` of them at once. */
  | { readonly cause: "queue"; readonly compute: string; readonly ahead: number; readonly slots: number }
  | { readonly cause: "deleted"; readonly compute: string }
  /** Takes no jobs: somebody has set it so. */
  | { readonly cause: "paused"; readonly compute: string }
  /** Jobs of other runs, which have to end first. */
  | { readonly cause: "dependency"; readonly jobs: readonly string[] }
  | { readonly cause: "building"; readonly environment: string }
  /** All machines that the compute's pool may have are in use. */
  | { readonly cause: "limit"; readonly compute: string; readonly vcpus: number }
  /** The account may not have more vCPUs of this kind. */
  | {
      readonly cause: "quota";
      readonly quota: { readonly code: string; readonly name: string };
      readonly vcpus: number;
      readonly needed?: number;
      readonly region?: string;
    }
  /** The account may have more, but there are none. */
  | {
      readonly cause: "capacity";
      readonly types: readonly string[];
      readonly zones: readonly string[];
      readonly spot: boolean;
    }
  /** No machine that the compute may start is large enough. */
  | { readonly cause: "too-large"; readonly compute: string }
  | { readonly cause: "image"; readonly image: string; readonly problem: ImageProblem }
  /** Machines run, and none has reported for work. */
  | { readonly cause: "join"; readonly compute: string; readonly minutes: number }
  | { readonly cause: "broken"; readonly compute: string; readonly detail: string }
  | { readonly cause: "permissions"; readonly detail: string }
  /** Nothing is wrong. */
  | { readonly cause: "machine"; readonly compute: string }
  | { readonly cause: "unknown"; readonly detail: string };

export type ImageProblem = "missing" | "denied" | "no-route" | "throttled" | "platform" | "disk";

const IMAGE_PROBLEMS: Readonly<Record<ImageProblem, string>> = {
  missing: "there is no such image or tag",
  denied: "its registry asks for a login that this home does not have",
  "no-route": "its registry can't be reached from the job's network; a private subnet needs a NAT gateway or endpoints",
  throttled: "its registry allows no more downloads for now; a copy in the account's own registry has no such limit",
  platform: "it is not made for linux/amd64",
  disk: "the machine's disk is too small for it",
};

/** One sentence, without a full stop. */
export function waitSentence(why: WaitCause): string {
  switch (why.cause) {
    case "queue":
      return wordQueue(why);
    case "deleted":
      return `compute \`${why.compute}\` is not there any more`;
    case "paused":
      return `compute \`${why.compute}\` is paused: it takes no jobs until its \`max_instances\` is more than 0`;
    case "dependency":
      return `waits for ${why.jobs.length === 1 ? "job" : "jobs"} ${why.jobs.map((job) => `\`${job}\``).join(", ")} to end`;
    case "building":
      return `the image of environment \`${why.environment}\` is being built`;
    case "limit":
      return `compute \`${why.compute}\` has all ${why.vcpus} vCPUs of its pool in use; the job starts when one ends`;
    case "quota":
      return wordQuota(why);
    case "capacity":
      return wordCapacity(why);
    case "too-large":
      return `the job asks for more than any machine of compute \`${why.compute}\` has; ask for less, or make a compute of a larger size`;
    case "image":
      return `image \`${why.image}\` can't be used: ${IMAGE_PROBLEMS[why.problem]}`;
    case "join":
      return `machines of compute \`${why.compute}\` have run for ${why.minutes} minutes and none has reported for work; its subnets need a route to the service, or its launch template or image is at fault`;
    case "broken":
      return `compute \`${why.compute}\` can't start machines: ${why.detail}`;
    case "permissions":
      return `this home lacks a permission to start machines: ${why.detail}; \`yard doctor\` names it`;
    case "machine":
      return `a machine of compute \`${why.compute}\` is being started, which takes some minutes`;
    case "unknown":
      return why.detail;
  }
}

function wordQueue({ compute, ahead, slots }: WaitCause & { cause: "queue" }): string {
  if (ahead === 0) return `next on compute \`${compute}\``;
  return `${ahead === 1 ? "1 job" : `${ahead} jobs`} ahead; compute \`${compute}\` runs ${slots} at a time`;
}

function wordQuota({ quota, vcpus, needed, region }: WaitCause & { cause: "quota" }): string {
  const where = region === undefined ? "" : ` in ${region}`;
  const job = needed === undefined ? "" : ` and the job needs ${needed}`;
  const wanted = vcpus + Math.max(needed ?? 0, 16);
  const command = `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code ${quota.code} --desired-value ${wanted}`;
  return `the account may have ${vcpus} vCPUs of "${quota.name}"${where}${job}; raise it with \`${command}\``;
}

function wordCapacity({ types, zones, spot }: WaitCause & { cause: "capacity" }): string {
  const kind = types.length === 0 ? "machines of the asked kind" : `${types.join(" or ")} machines`;
  const where = zones.length === 0 ? "in this region" : `in ${zones.join(", ")}`;
  const hint = spot ? "; a compute of tier `dedicated` may have them" : "; another size or region may have them";
  return `AWS has no ${spot ? "spot " : ""}${kind} to give ${where} now, and is asked again${hint}`;
}
