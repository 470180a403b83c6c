import { ALL_WORKSPACES } from "../contract/access.ts";
import { DEFAULT_WORKSPACE } from "../contract/workspaces.ts";
import type { NewActivity } from "../core/activities/ports.ts";

/** An activity about access. What concerns the whole home is told in its default workspace. */
export function about(
  resource: "member" | "role" | "token",
  { workspace, name }: { readonly workspace: string; readonly name: string },
  actor: string,
  action: "create" | "update" | "delete",
): NewActivity {
  const place = workspace === ALL_WORKSPACES ? " of the whole home" : "";
  const done = { create: "made", update: "changed", delete: "deleted" }[action];
  return {
    workspace: workspace === ALL_WORKSPACES ? DEFAULT_WORKSPACE : workspace,
    actor,
    resource,
    name,
    action,
    summary: `${resource} \`${name}\`${place} ${done}`,
  };
}
