import { makePlaces } from "../adapters/datastores/open.ts";
import { readUrlMap } from "../adapters/datastores/url-map.ts";
import { composeFiles as composeAnyFiles, type FilesPart } from "../home/compose-files.ts";
import type { Stores } from "../home/stores.ts";
import type { Ground } from "./part.ts";

/** Every URI of the surface; this machine's folders too, but for the home's own. */
export function composeFiles(ground: Ground, stores: Stores): FilesPart {
  const { settings } = ground;
  const places = makePlaces({
    isLaptop: true,
    hidden: [settings.dataDir],
    urlMap: settings.urlMap === undefined ? [] : readUrlMap(settings.urlMap),
  });
  return composeAnyFiles(ground, stores, places);
}
