import type { DataType } from "../contract/jobs.ts";
import type { AssetStore } from "../core/assets/ports.ts";
import { findVersion } from "../core/assets/read-assets.ts";
import { registerData } from "../core/data/register-data.ts";
import type { Files } from "../core/files/ports.ts";
import type { OutputRegistry } from "../core/jobs/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Digest } from "../core/ports/digest.ts";
import type { RegistryDeps } from "../core/registry/models.ts";
import type { ModelType } from "../core/registry/ports.ts";
import { registerModelFrom } from "../core/registry/register-from.ts";
import { findVersion as findModel } from "../core/registry/resolve.ts";

const MODEL_TYPES: ReadonlySet<string> = new Set(["custom_model", "mlflow_model", "triton_model"]);

export interface OutputRegistryDeps extends RegistryDeps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly clock: Clock;
  readonly digest: Digest;
}

/** A version made by this run from this place is the answer of a second telling. */
async function registerModelOutput(deps: OutputRegistryDeps, output: Output): Promise<string> {
  const { workspace, job, planned } = output;
  const { name, version, description, tags, uri, type } = planned;
  const principal = { kind: "run", name: `run:${job}`, workspace, runId: job } as const;
  const latest = version === undefined ? await findModel(deps.models, workspace, name, { label: "latest" }) : undefined;
  if (latest?.version.createdBy === principal.name && latest.version.source === uri) {
    return `azureml:${name}:${latest.version.version}`;
  }
  const made = await registerModelFrom(
    deps,
    { workspace, principal },
    {
      name,
      version,
      path: uri,
      type: type as ModelType,
      description,
      tags,
      runId: job,
    },
  );
  return `azureml:${name}:${made.version.version}`;
}

type Output = Parameters<OutputRegistry["register"]>[0];

/** Completed jobs' outputs become data assets and models, made by the run. */
export function makeOutputRegistry(deps: OutputRegistryDeps): OutputRegistry {
  return {
    register: (output) =>
      MODEL_TYPES.has(output.planned.type) ? registerModelOutput(deps, output) : registerDataOutput(deps, output),
  };
}

async function registerDataOutput(deps: OutputRegistryDeps, output: Output): Promise<string> {
  const { workspace, job, planned } = output;
  const { name, version, description, tags, uri } = planned;
  const actor = `run:${job}`;
  // The end of a job may be told twice: the version made the first time is the answer of the second.
  const latest = version === undefined ? await findVersion(deps, workspace, "data", name, "@latest") : undefined;
  if (latest !== undefined && latest.asset.createdBy === actor && latest.asset.body.path === uri) {
    return `azureml:${name}:${latest.asset.version}`;
  }
  const { asset } = await registerData(deps, {
    workspace,
    name,
    ...(version === undefined ? {} : { version }),
    spec: {
      type: planned.type as DataType,
      path: uri,
      ...(description === undefined ? {} : { description }),
      ...(tags === undefined ? {} : { tags }),
    },
    actor,
  });
  return `azureml:${name}:${asset.version}`;
}
