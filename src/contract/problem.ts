import * as z from "zod";
import type { ErrorCode } from "./errors.ts";
import { ERRORS } from "./errors.ts";

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

/** RFC 9457 problem details, `application/problem+json`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(CODES),
  /** What failed, on which id. */
  detail: z.string(),
  /** What to do about it. */
  hint: z.string().optional(),
  request_id: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof Problem>;
