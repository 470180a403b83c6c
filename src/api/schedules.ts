import { AppError } from "../contract/errors.ts";
import { schedules as routes } from "../contract/routes/schedules.ts";
import type { Schedule } from "../contract/schedules.ts";
import { zoneOf } from "../contract/time-zones.ts";
import { allows } from "../core/auth/allow.ts";
import type { Ids } from "../core/ports/ids.ts";
import { type FireDeps, fireFor } from "../core/schedules/fire.ts";
import { firingTimes } from "../core/schedules/firing-times.ts";
import type { ScheduleRecord } from "../core/schedules/ports.ts";
import {
  deleteSchedule,
  getSchedule,
  type PutScheduleDeps,
  putSchedule,
  revisedSchedule,
  updateSchedule,
} from "../core/schedules/put-schedule.ts";
import { showFiring, showSchedule } from "../core/schedules/show-schedule.ts";
import { receiveWebhook, SIGNATURE_HEADER } from "../core/schedules/webhook.ts";
import { etagHeader, preconditionOf } from "./etag.ts";
import { Answer, implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

export interface ScheduleRouteDeps extends PutScheduleDeps, FireDeps {
  readonly ids: Ids;
  address(): string;
}

const DEFAULT_COUNT = 10;

export function makeScheduleRoutes(deps: ScheduleRouteDeps): RawRoute[] {
  const view = async (record: ScheduleRecord, secret?: string): Promise<Answer<Schedule>> => {
    const { workspace, name } = record;
    const [template, firings] = await Promise.all([
      record.action === "create_job" ? deps.schedules.template(workspace, name) : undefined,
      deps.schedules.firings(workspace, name, { limit: 1 }),
    ]);
    const [last] = firings.items;
    const shown = showSchedule(record, { address: deps.address(), template, last, secret });
    return new Answer(shown, { headers: etagHeader(revisedSchedule(record)) });
  };
  return [
    implement(routes.list, async ({ params, query }) =>
      answerPage(await deps.schedules.list(params.workspace, pageOf(query)), (record) =>
        showSchedule(record, { address: deps.address() }),
      ),
    ),
    implement(routes.get, async ({ params }) => view(await getSchedule(deps, params.workspace, params.name))),
    implement(routes.put, async ({ params, body, call }) => {
      mustMaySubmit(call, params.workspace);
      if (body.trigger.type === "event") mustMayHear(call, params.workspace);
      const { record, secret } = await putSchedule(deps, { ...params, spec: body, ...callerOf(call) });
      return view(record, secret);
    }),
    implement(routes.update, async ({ params, body, call }) => {
      mustMaySubmit(call, params.workspace);
      return view(await updateSchedule(deps, { ...params, change: body, ...callerOf(call) }));
    }),
    implement(routes.delete, async ({ params, call }) => {
      await deleteSchedule(deps, { ...params, ...callerOf(call) });
      return {};
    }),
    implement(routes.trigger, async ({ params, body, call }) => {
      const schedule = await getSchedule(deps, params.workspace, params.name);
      const id = `manual#${deps.ids.hex32()}`;
      const values = { ...body.values, time: new Date(deps.clock.now()).toISOString() };
      const summary = `${call.principal.name} asked for it`;
      const { firing } = await fireFor(deps, schedule, { id, type: "manual", summary, values });
      return showFiring(firing);
    }),
    implement(routes.next, async ({ params, query }) => {
      const { trigger, anchorMs, isEnabled } = await getSchedule(deps, params.workspace, params.name);
      if (trigger.type !== "cron" && trigger.type !== "recurrence")
        throw new AppError("NotSupported", `a trigger of type \`${trigger.type}\` fires when something happens`);
      const times: string[] = [];
      if (isEnabled)
        for (const atMs of firingTimes(trigger, anchorMs).after(deps.clock.now())) {
          times.push(new Date(atMs).toISOString());
          if (times.length === (query.count ?? DEFAULT_COUNT)) break;
        }
      return { times, time_zone: zoneOf(trigger.time_zone ?? "UTC") ?? "UTC" };
    }),
    implement(routes.firings, async ({ params, query }) => {
      await getSchedule(deps, params.workspace, params.name);
      return answerPage(await deps.schedules.firings(params.workspace, params.name, pageOf(query)), showFiring);
    }),
    implement(routes.webhook, async ({ params, body, call }) => {
      const signature = call.request.headers.get(SIGNATURE_HEADER);
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      return showFiring(await receiveWebhook(deps, { ...params, signature, body: bytes }));
    }),
  ];
}

function callerOf(call: Call) {
  return { actor: call.principal.name, precondition: preconditionOf(call) };
}

/** What else happens in the account is for those who govern the workspace. */
function mustMayHear({ principal }: Call, workspace: string): void {
  if (allows(principal, { resource: "workspace", action: "update" }, workspace)) return;
  throw new AppError("Forbidden", `\`${principal.name}\` may not listen to events of the account`, {
    hint: "an owner of the workspace makes schedules of type `event`",
  });
}

/** A schedule submits jobs in its maker's name. */
function mustMaySubmit({ principal }: Call, workspace: string): void {
  if (allows(principal, { resource: "job", action: "create" }, workspace)) return;
  throw new AppError("Forbidden", `\`${principal.name}\` may not create jobs in workspace \`${workspace}\``, {
    hint: "a schedule submits them in the name of who makes it",
  });
}
