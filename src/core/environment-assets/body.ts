import type { EnvironmentDefinition, EnvironmentSpec } from "../../contract/environments.ts";
import type { AssetContent, AssetVersion } from "../assets/ports.ts";
import { type Digest, sha256Hex } from "../ports/digest.ts";
import type { Value } from "../ports/table.ts";
import { canonicalJson } from "../records/canonical-json.ts";

/** An environment's content: the definition's own fields, beside them what this home makes of it. */
export function environmentContent(
  digest: Digest,
  definition: EnvironmentDefinition,
  made: { readonly spec: EnvironmentSpec; readonly warnings: readonly string[] },
): AssetContent {
  const body = { ...definition, resolved: made.spec, warnings: [...made.warnings] };
  return { body: body as unknown as Record<string, Value>, hash: sha256Hex(digest, canonicalJson(definition)) };
}

/** The definition and the spec of a registered environment, the spec under the name a person knows it by. */
export function readEnvironment(asset: AssetVersion): {
  readonly definition: EnvironmentDefinition;
  readonly resolved: EnvironmentSpec;
} {
  const {
    resolved,
    warnings: _,
    ...definition
  } = asset.body as unknown as EnvironmentDefinition & {
    readonly resolved: EnvironmentSpec;
    readonly warnings: readonly string[];
  };
  return { definition, resolved: { ...resolved, label: `azureml:${asset.name}:${asset.version}` } };
}
