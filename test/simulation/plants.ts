/** Bugs put in on purpose: the simulation must find each of them. */
export const PLANTS = {
  "submit-again": "a child that is submitted again is another job",
  "launch-again": "an attempt that is launched again has a second runner",
  "effects-forgotten": "what was decided is forgotten by whoever dies before it is done",
  "end-told-later": "a child's end is a row that is written after the end, and nobody asks for it later",
  "no-lock": "whoever decides last wins, whatever was decided meanwhile",
  "early-start": "a step begins with the first of what it needs",
  "early-finish": "a canceled composite ends without waiting for its children",
} as const;

export type Plant = keyof typeof PLANTS;
