/** Waits `baseMs`, doubled after each attempt up to `maxMs`, a quarter of it left to chance. */
export interface RetryPolicy {
  /** The first one included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Runs `attempt` until it succeeds, `again` says no, or the attempts are used up. */
export async function retrying<T>(
  policy: RetryPolicy,
  attempt: () => Promise<T>,
  again: (error: unknown) => boolean,
  signal?: AbortSignal,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      if (number >= policy.attempts || !again(error)) throw error;
      const backoff = Math.min(policy.maxMs, policy.baseMs * 2 ** (number - 1)) * (0.75 + Math.random() / 2);
      await pause(Math.max(backoff, retryAfter(error)), signal);
    }
  }
}

function retryAfter(error: unknown): number {
  const wanted = error instanceof Error && "retryAfterMs" in error ? Number(error.retryAfterMs) : 0;
  return Number.isFinite(wanted) ? Math.min(wanted, 10_000) : 0;
}

/** Resolves after `ms`; rejects with the signal's reason when that comes first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
