import type { ImageProblem, WaitCause } from "../../../core/jobs/waiting.ts";

/** What the services say of a job that has not begun; each as they word it. */
export interface BatchFacts {
  readonly compute: string;
  readonly spot: boolean;
  readonly region?: string;
  /** vCPUs the job asks for. */
  readonly vcpus?: number;
  readonly image?: string;
  readonly job: {
    readonly status: string;
    readonly statusReason?: string;
    /** Of the container that could not be started. */
    readonly containerReason?: string;
  };
  readonly environment?: {
    readonly state?: string;
    readonly status?: string;
    readonly statusReason?: string;
    readonly maxvCpus?: number;
    readonly desiredvCpus?: number;
    readonly instanceTypes?: readonly string[];
    readonly zones?: readonly string[];
  };
  /** Of the environment's group of machines, newest first. */
  readonly activities?: readonly { readonly statusCode: string; readonly statusMessage?: string }[];
  /** Machines that run, those that have joined, and since when the first runs. */
  readonly machines?: { readonly running: number; readonly joined: number; readonly minutes: number };
}

/** Machines join within two or three minutes. */
const JOIN_LIMIT_MIN = 10;

/** Quotas are by family of machine type; the first letters of a type name it. */
const QUOTAS: readonly {
  readonly types: RegExp;
  readonly onDemand: readonly [code: string, name: string];
  readonly spot: readonly [code: string, name: string];
}[] = [
  {
    types: /^(?:g|vt)\d/,
    onDemand: ["L-DB2E81BA", "Running On-Demand G and VT instances"],
    spot: ["L-3819A6DF", "All G and VT Spot Instance Requests"],
  },
  {
    types: /^p[234]/,
    onDemand: ["L-417A185B", "Running On-Demand P instances"],
    spot: ["L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests"],
  },
  {
    types: /^p/,
    onDemand: ["L-417A185B", "Running On-Demand P instances"],
    spot: ["L-C4BD4855", "All P5 Spot Instance Requests"],
  },
  {
    types: /^trn/,
    onDemand: ["L-2C3B7624", "Running On-Demand Trn instances"],
    spot: ["L-6B0D517C", "All Trn Spot Instance Requests"],
  },
  {
    types: /^inf/,
    onDemand: ["L-1945791B", "Running On-Demand Inf instances"],
    spot: ["L-B5D1601B", "All Inf Spot Instance Requests"],
  },
];
const STANDARD = {
  onDemand: ["L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"],
  spot: ["L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"],
} as const;

/** The first cause found, the most certain ones first. */
export function waitCauseOf(facts: BatchFacts): WaitCause {
  const { compute, job, environment } = facts;
  const told = job.statusReason ?? "";
  const image = imageProblemOf(job.containerReason ?? told);
  if (image !== undefined) return { cause: "image", image: facts.image ?? "", problem: image };
  if (job.status === "PENDING")
    return { cause: "unknown", detail: told === "" ? "waits for jobs it depends on" : told };
  if (environment?.state === "DISABLED") return { cause: "paused", compute };
  if (environment?.status === "INVALID") return { cause: "broken", compute, detail: plain(environment.statusReason) };
  return fromActivities(facts) ?? fromStatusReason(facts, told) ?? fromMachines(facts);
}

function fromActivities(facts: BatchFacts): WaitCause | undefined {
  for (const { statusCode, statusMessage = "" } of facts.activities ?? []) {
    if (statusCode === "Successful") return undefined;
    const limit = /current vCPU limit of (\d+)/.exec(statusMessage)?.[1];
    if (limit !== undefined) return quota(facts, Number(limit));
    if (
      /InsufficientInstanceCapacity|(?:do not|don't) (?:currently )?have sufficient|no Spot capacity/i.test(
        statusMessage,
      )
    ) {
      return capacity(facts, typesIn(statusMessage), zonesIn(statusMessage));
    }
    if (/UnauthorizedOperation|not authorized|AccessDenied/i.test(statusMessage)) {
      return { cause: "permissions", detail: plain(statusMessage) };
    }
    if (statusCode === "Failed") return { cause: "broken", compute: facts.compute, detail: plain(statusMessage) };
  }
  return undefined;
}

function fromStatusReason(facts: BatchFacts, told: string): WaitCause | undefined {
  const { compute, environment } = facts;
  const [, kind = "", detail = ""] =
    /^((?:CAPACITY|MISCONFIGURATION):\w+|ACTION_REQUIRED|UNDETERMINED)(?: - (.*))?$/s.exec(told) ?? [];
  switch (kind) {
    case "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY":
      return capacity(facts, typesIn(detail), zonesIn(detail));
    case "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE":
    case "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT":
      return { cause: "too-large", compute };
    case "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS":
      return { cause: "permissions", detail: plain(detail) };
    case "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED":
      return { cause: "broken", compute, detail: plain(detail) };
    case "ACTION_REQUIRED":
      return { cause: "broken", compute, detail: plain(detail) };
    case "UNDETERMINED":
      // What Batch can't explain, the number of machines may.
      return undefined;
  }
  const { maxvCpus, desiredvCpus } = environment ?? {};
  if (maxvCpus !== undefined && desiredvCpus !== undefined && desiredvCpus + (facts.vcpus ?? 0) > maxvCpus) {
    return (facts.vcpus ?? 0) > maxvCpus
      ? { cause: "too-large", compute }
      : { cause: "limit", compute, vcpus: maxvCpus };
  }
  return undefined;
}

function fromMachines({ compute, machines, job }: BatchFacts): WaitCause {
  if (machines !== undefined && machines.running > 0 && machines.joined === 0 && machines.minutes >= JOIN_LIMIT_MIN) {
    return { cause: "join", compute, minutes: machines.minutes };
  }
  const unexplained = /^UNDETERMINED - (.*)$/s.exec(job.statusReason ?? "")?.[1];
  if (unexplained !== undefined) return { cause: "unknown", detail: plain(unexplained) };
  return { cause: "machine", compute };
}

/** What keeps a container from starting, by the words of ECS and of the registries. */
function imageProblemOf(reason: string): ImageProblem | undefined {
  if (/no space left on device/i.test(reason)) return "disk";
  if (/exec format error|no matching manifest|image operating system/i.test(reason)) return "platform";
  if (!/CannotPullContainer|CannotPullECRContainer|ResourceInitializationError|unable to pull/i.test(reason)) {
    return undefined;
  }
  if (/toomanyrequests|rate limit/i.test(reason)) return "throttled";
  if (/i\/o timeout|connection refused|no route to host|request canceled|no such host|context deadline/i.test(reason)) {
    return "no-route";
  }
  // Registries tell strangers of a private image that it may not exist.
  if (/denied|unauthorized|no basic auth|\b40[13]\b/i.test(reason)) return "denied";
  return "missing";
}

function quota(facts: BatchFacts, vcpus: number): WaitCause {
  const type = facts.environment?.instanceTypes?.[0] ?? "";
  const family = QUOTAS.find(({ types }) => types.test(type)) ?? STANDARD;
  const [code, name] = facts.spot ? family.spot : family.onDemand;
  return {
    cause: "quota",
    quota: { code, name },
    vcpus,
    ...(facts.vcpus === undefined ? {} : { needed: facts.vcpus }),
    ...(facts.region === undefined ? {} : { region: facts.region }),
  };
}

function capacity({ environment, spot }: BatchFacts, types: readonly string[], zones: readonly string[]): WaitCause {
  return {
    cause: "capacity",
    types: types.length > 0 ? types : (environment?.instanceTypes ?? []),
    zones: zones.length > 0 ? zones : (environment?.zones ?? []),
    spot,
  };
}

function typesIn(text: string): readonly string[] {
  return [...new Set(text.match(/\b[a-z]+\d+[a-z-]*\.(?:\d*xlarge|large|medium|small|micro|nano|metal)\b/g) ?? [])];
}

function zonesIn(text: string): readonly string[] {
  return [...new Set(text.match(/\b[a-z]{2}(?:-[a-z]+)+-\d[a-z]\b/g) ?? [])];
}

/** On one line, without the encoded message that authorization failures carry. */
function plain(text = "no reason is told"): string {
  return text
    .replace(/\s*Encoded authorization failure message:.*$/s, "")
    .replace(/\s+/g, " ")
    .replace(/[\s.]+$/, "");
}
