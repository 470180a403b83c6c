import type { Home } from "../adapters/local/home.ts";
import type { Ground as AnyGround } from "../home/part.ts";
import type { Settings } from "./settings.ts";

/** The laptop's ground: the opened home, its folder, and where this server is reached (`http://127.0.0.1:PORT`). */
export interface Ground extends AnyGround, Omit<Home, "table"> {
  readonly settings: Settings;
}
