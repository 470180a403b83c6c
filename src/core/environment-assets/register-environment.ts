import type * as z from "zod";
import type { EnvironmentAssetSpec } from "../../contract/assets.ts";
import type { EnvironmentDefinition } from "../../contract/environments.ts";
import { type CreatedVersion, createVersion } from "../assets/create-version.ts";
import type { AssetStore } from "../assets/ports.ts";
import { wordsOf } from "../assets/words.ts";
import { resolveEnvironment } from "../environments/resolve.ts";
import type { Files } from "../files/ports.ts";
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import type { Precondition } from "../records/revision.ts";
import { environmentContent } from "./body.ts";
import { readBuildContext } from "./build-context.ts";

export interface RegisterEnvironmentDeps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly hasContainerEngine: boolean;
}

/** Registers an environment with what this home builds from it. */
export async function registerEnvironment(
  deps: RegisterEnvironmentDeps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly version?: string;
    readonly spec: z.output<typeof EnvironmentAssetSpec>;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<CreatedVersion> {
  const { spec, ...rest } = input;
  const { description: _description, tags: _tags, properties: _properties, ...content } = spec;
  const definition: EnvironmentDefinition = content;
  const files = await readBuildContext(deps.files, input.workspace, definition);
  const { spec: resolved, warnings } = resolveEnvironment({
    value: definition,
    hasContainerEngine: deps.hasContainerEngine,
    label: input.name,
    ...(files === undefined ? {} : { files }),
  });
  return createVersion(deps, {
    ...rest,
    kind: "environment",
    words: wordsOf(spec),
    content: environmentContent(deps.digest, definition, { spec: resolved, warnings }),
  });
}
