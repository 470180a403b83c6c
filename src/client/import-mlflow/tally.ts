import { isAppError } from "../../contract/errors.ts";

export const KINDS = [
  "experiments",
  "runs",
  "params",
  "tags",
  "metric_points",
  "dataset_inputs",
  "logged_models",
  "artifact_files",
  "models",
  "model_versions",
  "aliases",
] as const;
export type Kind = (typeof KINDS)[number];

/** `equal`: read back from the workspace and found the same. */
export interface Counts {
  readonly source: number;
  readonly copied: number;
  readonly equal: number;
}

export interface ImportReport {
  readonly source: string;
  readonly workspace: string;
  /** Everything of the source is in the workspace, and the same. */
  readonly verified: boolean;
  readonly counts: Readonly<Record<Kind, Counts>>;
  readonly artifact_bytes: number;
  readonly problems: readonly { readonly about: string; readonly message: string }[];
}

export interface Tally {
  found(kind: Kind, count?: number): void;
  copied(kind: Kind, count?: number): void;
  equal(kind: Kind, count?: number): void;
  bytes(count: number): void;
  problem(about: string, error: unknown): void;
  /** Copied, and yet not the same. */
  differs(about: string, message: string): void;
  report(source: string, workspace: string): ImportReport;
}

export function makeTally(onChange: (text: string) => void): Tally {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, { source: 0, copied: 0, equal: 0 }])) as Record<
    Kind,
    { source: number; copied: number; equal: number }
  >;
  const problems: { about: string; message: string }[] = [];
  let bytes = 0;
  const tell = () =>
    onChange(
      `${counts.runs.equal} runs, ${counts.metric_points.equal} metric points, ${counts.artifact_files.equal} files, ${counts.model_versions.equal} model versions`,
    );
  const add =
    (field: "source" | "copied" | "equal") =>
    (kind: Kind, count: number = 1) => {
      counts[kind][field] += count;
      tell();
    };
  return {
    found: add("source"),
    copied: add("copied"),
    equal: add("equal"),
    bytes: (count) => {
      bytes += count;
    },
    problem(about, error) {
      // Neither side is there, or the user asked to stop: nothing after this could work.
      if (isAppError(error) ? STOPPING.has(error.code) : true) throw error;
      problems.push({ about, message: error instanceof Error ? error.message : String(error) });
    },
    differs: (about, message) => void problems.push({ about, message }),
    report: (source, workspace) => ({
      source,
      workspace,
      verified: problems.length === 0 && KINDS.every((kind) => counts[kind].source === counts[kind].equal),
      counts,
      artifact_bytes: bytes,
      problems,
    }),
  };
}

const STOPPING: ReadonlySet<string> = new Set(["Unavailable", "Unauthenticated", "Forbidden", "TooManyRequests"]);
