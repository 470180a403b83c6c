import type { EnvironmentSpec } from "../../../contract/environments.ts";

/** An image as a person named it, and nothing on top of it. */
export function isPlain(spec: EnvironmentSpec): spec is EnvironmentSpec & { readonly image: string } {
  return spec.kind === "image" && spec.image !== undefined && spec.conda === undefined && spec.build === undefined;
}
