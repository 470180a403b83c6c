import { createVersion } from "../assets/create-version.ts";
import type { AssetStore } from "../assets/ports.ts";
import { CURATED_ENVIRONMENTS, curatedDefinition } from "../environments/curated.ts";
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import { environmentContent } from "./body.ts";

/** Gives a workspace the curated environments it does not have yet. A name that somebody took for their own stays theirs. */
export async function ensureCurated(
  deps: { readonly assets: AssetStore; readonly clock: Clock; readonly digest: Digest },
  workspace: string,
): Promise<void> {
  for (const curated of CURATED_ENVIRONMENTS) {
    const { name, version, description, spec } = curated;
    const head = await deps.assets.head(workspace, "environment", name);
    if (head !== undefined && !head.isCurated) continue;
    if ((await deps.assets.version(workspace, "environment", name, version)) !== undefined) continue;
    const { name: _name, version: _version, description: _description, ...definition } = curatedDefinition(curated);
    await createVersion(deps, {
      workspace,
      kind: "environment",
      name,
      version,
      words: { description, tags: {}, properties: {} },
      content: environmentContent(deps.digest, definition, { spec, warnings: [] }),
      actor: "system",
      isCurated: true,
    });
  }
}
