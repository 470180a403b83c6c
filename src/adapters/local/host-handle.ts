import { createHash } from "node:crypto";
import type { HostRequest } from "../../core/ports/host.ts";

/** The folder's name: what a person would look for, and a hash of the whole id. Endpoint and deployment names are at most 32 characters. */
export function hostHandle({ id, endpoint, deployment, revision }: HostRequest): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 12);
  return `${endpoint}-${deployment}-${revision}-${hash}`;
}
