import { pause } from "./retry.ts";

const PAUSE_MS = 1000;

/** Asks for what a home may wait for. One that pays for its time answers at once instead: then the waiting is done here. */
export async function patiently<T>(
  ask: () => Promise<T>,
  isNews: (answer: T) => boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  const asked = performance.now();
  const answer = await ask();
  const leftMs = PAUSE_MS - (performance.now() - asked);
  if (leftMs > 0 && !isNews(answer)) await pause(leftMs, signal);
  return answer;
}
