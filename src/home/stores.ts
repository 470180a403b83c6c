import { openAccessStores } from "../store/access.ts";
import { openActivityStore } from "../store/activities.ts";
import { openAssetStore } from "../store/assets.ts";
import { openComputeStore } from "../store/computes.ts";
import { openDatastoreStore } from "../store/datastores.ts";
import { openEndpointStore } from "../store/endpoints.ts";
import { openExperimentStore } from "../store/experiments.ts";
import { openJobStore } from "../store/jobs.ts";
import { openLineageIndex } from "../store/lineage.ts";
import { openLoggedModelStore } from "../store/logged-models.ts";
import { openLogStore } from "../store/logs.ts";
import { openModelStore } from "../store/models.ts";
import { openNotificationStore } from "../store/notifications.ts";
import { openRunIndex } from "../store/run-index.ts";
import { openRunStore } from "../store/run-store.ts";
import { openScheduleStore } from "../store/schedules.ts";
import { openSecretStore } from "../store/secrets.ts";
import { openStartStore } from "../store/starts.ts";
import { openTokenStore } from "../store/tokens.ts";
import { openTreeStore } from "../store/trees.ts";
import { openStorageStore } from "../store/workspace-storage.ts";
import { openWorkspaceStore } from "../store/workspaces.ts";
import type { Ground } from "./part.ts";

/** Every room's records, opened once: several of them keep things in memory that must not be kept twice. */
export function openStores(ground: Ground) {
  return {
    ...openAccessStores(ground),
    activities: openActivityStore(ground),
    assets: openAssetStore(ground),
    computes: openComputeStore(ground),
    datastores: openDatastoreStore(ground),
    endpoints: openEndpointStore(ground),
    experiments: openExperimentStore(ground),
    jobs: openJobStore(ground),
    lineage: openLineageIndex(ground),
    loggedModels: openLoggedModelStore(ground),
    logs: openLogStore(ground),
    models: openModelStore(ground),
    notifications: openNotificationStore(ground),
    runs: openRunStore(ground),
    runIndex: openRunIndex(ground),
    schedules: openScheduleStore(ground),
    secrets: openSecretStore(ground),
    starts: openStartStore(ground),
    storages: openStorageStore(ground),
    tokens: openTokenStore(ground),
    trees: openTreeStore(ground),
    workspaces: openWorkspaceStore(ground),
  };
}

export type Stores = ReturnType<typeof openStores>;
