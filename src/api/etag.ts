import { AppError } from "../contract/errors.ts";
import { type Precondition, type Revised, revisionTag } from "../core/records/revision.ts";
import type { Call } from "./raw-route.ts";

/** `ETag` of a record. */
export function etagHeader(record: Revised): { readonly etag: string } {
  return { etag: `"${revisionTag(record)}"` };
}

/** What `If-Match` and `If-None-Match: *` of a request demand of the record that stands. Weak tags never match. */
export function preconditionOf(call: Call): Precondition {
  const match = call.request.headers.get("if-match");
  const noneMatch = call.request.headers.get("if-none-match");
  if (match !== null && !/^(\*|(W\/)?"[!#-~]*"(\s*,\s*(W\/)?"[!#-~]*")*)$/.test(match.trim())) {
    throw new AppError("InvalidArgument", "`If-Match` is neither `*` nor ETags in double quotes");
  }
  return (standing) => {
    if (match !== null && !isMatch(match, standing)) {
      throw new AppError(
        "PreconditionFailed",
        standing === undefined
          ? "there is nothing that `If-Match` could mean"
          : "it was changed since: its ETag is not the one in `If-Match`",
        {
          ...(standing === undefined ? {} : { etag: etagHeader(standing).etag }),
          hint: "read it again, and decide anew",
        },
      );
    }
    if (noneMatch?.trim() === "*" && standing !== undefined) {
      throw new AppError("PreconditionFailed", "it exists already, and `If-None-Match: *` wants it new");
    }
  };
}

function isMatch(header: string, standing: Revised | undefined): boolean {
  if (standing === undefined) return false;
  if (header.trim() === "*") return true;
  const { etag } = etagHeader(standing);
  return header.split(",").some((tag) => tag.trim() === etag);
}
