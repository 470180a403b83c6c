import type { EnvironmentImage } from "../../../contract/assets.ts";
import type { ImageBook } from "../../../core/environment-assets/ports.ts";
import { imageHash, planImage } from "../../../core/environments/image-plan.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Digest } from "../../../core/ports/digest.ts";
import { USABLE_MS } from "./lifetime.ts";
import { isPlain } from "./plain.ts";
import { type BuildRecords, recordOf } from "./records.ts";

/** The ImageBook on the records of builds: as of the last time that a job asked. */
export function openImageBook(options: {
  readonly records: BuildRecords;
  readonly digest: Digest;
  readonly clock: Clock;
  /** ARN of the repository of a workspace that has its own. */
  readonly ownOf?: (workspace: string) => Promise<string | undefined>;
}): ImageBook {
  const { records, digest, clock, ownOf } = options;
  return {
    async stateOf(workspace, spec): Promise<EnvironmentImage | undefined> {
      if (spec.kind === "interpreter") return undefined;
      const hash = imageHash(digest, planImage(spec));
      const record = await records.get(recordOf(digest, hash, await ownOf?.(workspace)));
      const isGone = record?.state === "ready" && clock.now() - record.startedMs > USABLE_MS;
      // Most images that people name are taken as they are.
      if (record === undefined || isGone) return isPlain(spec) ? undefined : { state: "none" };
      const { state, reason, ref } = record;
      return {
        state,
        ...(state === "failed" && reason !== undefined ? { reason } : {}),
        ...(state === "ready" && ref !== undefined ? { ref } : {}),
      };
    },
  };
}
