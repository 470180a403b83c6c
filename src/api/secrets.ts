import { secrets as routes } from "../contract/routes/places.ts";
import type { Secret } from "../contract/secrets.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Vault } from "../core/ports/vault.ts";
import type { SecretRecord, SecretStore } from "../core/secrets/ports.ts";
import { deleteSecret, putSecret } from "../core/secrets/secrets.ts";
import { implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { RawRoute } from "./raw-route.ts";

/** Names, and who changed them when; no route answers a value. */
export function makeSecretRoutes(deps: {
  readonly secrets: SecretStore;
  readonly vault: Vault;
  readonly clock: Clock;
}): RawRoute[] {
  return [
    implement(routes.list, async ({ params, query }) =>
      answerPage(await deps.secrets.list(params.workspace, pageOf(query)), view),
    ),
    implement(routes.put, async ({ params, body, call }) =>
      view(await putSecret(deps, { ...params, spec: body, actor: call.principal.name })),
    ),
    implement(routes.delete, async ({ params, call }) => {
      await deleteSecret(deps, { ...params, actor: call.principal.name });
      return {};
    }),
  ];
}

function view({ name, description, createdAt, createdBy, updatedAt, updatedBy }: SecretRecord): Secret {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    created_at: createdAt,
    created_by: createdBy,
    updated_at: updatedAt,
    updated_by: updatedBy,
  };
}
