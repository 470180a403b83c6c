import type { EnvironmentSpec } from "../../../contract/environments.ts";
import type { Builder, BuildReady, BuildRequest, BuildUnderWay } from "../../../core/ports/builder.ts";

/** Where an asker stands: which of the two builds, and where in it. Once the environment is there, what it is. */
interface Since {
  readonly environment?: string;
  readonly base?: string;
  readonly serving?: string;
}

/**
 * Images that a function can run: the environment's own, as jobs have it, then one upon it with our program in front. `serving` builds from a spec
 * whose `image` is the environment's.
 */
export function makeServingBuilder(of: { readonly environments: Builder; readonly serving: Builder }): Builder {
  async function finish(
    request: BuildRequest,
    base: string,
    since: string | undefined,
    onLog: (text: string) => void,
  ): Promise<BuildReady | BuildUnderWay> {
    const { workspace, spec } = request;
    const upon: EnvironmentSpec = { kind: "image", image: base, label: spec.label };
    const built = await of.serving.build({ workspace, spec: upon, ...(since === undefined ? {} : { since }) }, onLog);
    if (built.state === "ready") return built;
    return { ...built, since: JSON.stringify({ base, serving: built.since } satisfies Since) };
  }

  return {
    async build(request, onLog) {
      const { base, environment, serving }: Since = request.since === undefined ? {} : JSON.parse(request.since);
      if (base !== undefined) return finish(request, base, serving, onLog);
      const { since: _, ...rest } = request;
      const built = await of.environments.build(
        { ...rest, ...(environment === undefined ? {} : { since: environment }) },
        onLog,
      );
      if (built.state === "ready") return finish(request, built.ref, undefined, onLog);
      return { ...built, since: JSON.stringify({ environment: built.since } satisfies Since) };
    },
  };
}
