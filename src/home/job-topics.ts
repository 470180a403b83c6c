export const TOPICS = {
  dispatch: "jobs.dispatch",
  attempt: "jobs.attempt",
  compose: "jobs.compose",
  round: "jobs.round",
} as const;

/** Rounds while jobs are under way, and while one of them waits for its image or could not be launched yet. */
export const ROUND_SEC = 120;
export const SOON_SEC = 15;
