import {
  batchDeployments,
  batchEndpoints,
  gc,
  notifications,
  onlineDeployments,
  onlineEndpoints,
  schedules,
} from "../../src/contract/routes/index.ts";
import { DELETE_TOPIC, SETTLE_TOPIC } from "../../src/core/endpoints/ports.ts";
import { SEND_TOPIC } from "../../src/core/notifications/ports.ts";
import { SCHEDULE_TOPICS } from "../../src/core/schedules/alarm.ts";
import { GC_TOPICS } from "../../src/home/gc-messages.ts";
import { EAR_TOPICS } from "./ear-topics.ts";

/** What rooms that are loaded late are asked for. */
export const ROOMS = {
  batchEndpoints: { routes: [...Object.values(batchEndpoints), ...Object.values(batchDeployments)], topics: [] },
  endpoints: {
    routes: [...Object.values(onlineEndpoints), ...Object.values(onlineDeployments)],
    topics: [SETTLE_TOPIC, DELETE_TOPIC],
  },
  gc: { routes: Object.values(gc), topics: Object.values(GC_TOPICS) },
  schedules: {
    routes: [...Object.values(schedules), ...Object.values(notifications)],
    topics: [...Object.values(SCHEDULE_TOPICS), ...Object.values(EAR_TOPICS), SEND_TOPIC],
  },
} as const;
