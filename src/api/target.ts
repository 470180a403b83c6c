import { AppError } from "../contract/errors.ts";

/**
 * Refuses a path with a `.` or `..` segment, encoded or not, or a backslash. Clients tidy these before they send an address; parsing would do it here,
 * and what is then read, written or deleted is not what the address says.
 */
export function checkTarget(path: string): void {
  if (!/\\|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path)) return;
  throw new AppError("InvalidPath", "the request's address has a `.` or `..` segment or a backslash", {
    hint: "send the address of what is meant",
  });
}

/** An address as logs may have it: its query can hold a credential. */
export function withoutQuery(address: string): string {
  return address.split(/[?#]/, 1)[0] ?? "";
}
