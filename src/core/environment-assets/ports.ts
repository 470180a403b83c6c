import type { EnvironmentImage } from "../../contract/assets.ts";
import type { EnvironmentSpec } from "../../contract/environments.ts";

/** What is known of the images of environments without asking anybody for one. */
export interface ImageBook {
  /** Undefined for what needs no image of the home's own. */
  stateOf(workspace: string, spec: EnvironmentSpec): Promise<EnvironmentImage | undefined>;
}
