import type * as z from "zod";
import type { ComponentSpec } from "../../contract/assets.ts";
import { type CreatedVersion, createVersion } from "../assets/create-version.ts";
import type { AssetStore } from "../assets/ports.ts";
import { wordsOf } from "../assets/words.ts";
import type { Clock } from "../ports/clock.ts";
import { type Digest, sha256Hex } from "../ports/digest.ts";
import type { Value } from "../ports/table.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";

/** Registers a component's YAML as data. Its content is the whole of it but the words. */
export async function registerComponent(
  deps: { readonly assets: AssetStore; readonly clock: Clock; readonly digest: Digest },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly version?: string;
    readonly spec: z.output<typeof ComponentSpec>;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<CreatedVersion> {
  const { spec: given, ...rest } = input;
  const { type, display_name, spec } = given;
  const content = { type, spec, ...(display_name === undefined ? {} : { display_name }) };
  const hash = sha256Hex(deps.digest, canonicalJson(content));
  const { type: _, ...body } = content;
  return createVersion(deps, {
    ...rest,
    kind: "component",
    words: wordsOf(given),
    content: { type, body: body as Record<string, Value>, hash },
  });
}
