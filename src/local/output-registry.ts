import type { DataType } from "../contract/jobs.ts";
import type { AssetStore } from "../core/assets/ports.ts";
import { findVersion } from "../core/assets/read-assets.ts";
import { registerData } from "../core/data/register-data.ts";
import type { Files } from "../core/files/ports.ts";
import type { OutputRegistry } from "../core/jobs/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Digest } from "../core/ports/digest.ts";

export interface OutputRegistryDeps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly clock: Clock;
  readonly digest: Digest;
}

type Output = Parameters<OutputRegistry["register"]>[0];

/** Completed jobs' outputs become data assets and models, made by the run. */
export function makeOutputRegistry(deps: OutputRegistryDeps): OutputRegistry {
  return {
    register: (output) => registerDataOutput(deps, output),
  };
}

async function registerDataOutput(deps: OutputRegistryDeps, output: Output): Promise<string> {
  const { workspace, job, planned } = output;
  const { name, version, description, uri } = planned;
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
    },
    actor,
  });
  return `azureml:${name}:${asset.version}`;
}
