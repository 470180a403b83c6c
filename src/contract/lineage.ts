import * as z from "zod";

/** `run`: a job's or an MLflow client's. `dataset`: what an MLflow client logged as an input, known by name and digest. */
export const LineageKind = z.enum(["data", "dataset", "run", "logged_model", "model", "deployment"]);
export type LineageKind = z.infer<typeof LineageKind>;

export const LineageDirection = z.enum(["up", "down", "both"]);
export type LineageDirection = z.infer<typeof LineageDirection>;

export const LineageNode = z.object({
  /** Unique in this answer. */
  id: z.string(),
  kind: LineageKind,
  /** What this route takes as `ref`, with `kind`. */
  ref: z.string(),
  /** Run: its display name. */
  display_name: z.string().optional(),
  /** Run, logged model, deployment: where it stands. */
  status: z.string().optional(),
  /** It was deleted; what came of it still names it. */
  missing: z.literal(true).optional(),
});
export type LineageNode = z.infer<typeof LineageNode>;

/** What is downstream (`to`) used, or came of, what is upstream (`from`). */
export const LineageEdge = z.object({
  from: z.string(),
  to: z.string(),
  /** `input`, `output`, `registered` (a logged model as a model version), `deployed`. */
  role: z.enum(["input", "output", "registered", "deployed"]),
  /** Name of a job's input or output, context of a dataset. */
  name: z.string().optional(),
});
export type LineageEdge = z.infer<typeof LineageEdge>;

export const LineageGraph = z.object({
  /** Id of the node asked about. */
  root: z.string(),
  nodes: z.array(LineageNode),
  edges: z.array(LineageEdge),
  /** What was left out, and why; absent: nothing was. */
  truncated: z.string().optional(),
});
export type LineageGraph = z.infer<typeof LineageGraph>;
