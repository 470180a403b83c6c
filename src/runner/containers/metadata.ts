/** How the user's container ended, as the machine's agent has it; undefined while it lives, or where there is nobody to ask. */
export async function endOfUserContainer(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly exitCode: number | undefined } | undefined> {
  const address = env.ECS_CONTAINER_METADATA_URI_V4;
  if (address === undefined) return undefined;
  try {
    const answer = await fetch(`${address}/task`, { signal: AbortSignal.timeout(2000) });
    const { Containers: containers = [] } = (await answer.json()) as {
      Containers?: { Name?: string; KnownStatus?: string; ExitCode?: number }[];
    };
    const user = containers.find((container) => container.Name === "user");
    return user?.KnownStatus === "STOPPED" ? { exitCode: user.ExitCode } : undefined;
  } catch {
    // Asked again soon; the pipes tell too.
    return undefined;
  }
}
