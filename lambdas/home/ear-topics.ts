/** Messages of what was heard from outside, and of places that are to be looked at. */
export const EAR_TOPICS = { arrived: "schedules.arrived", look: "schedules.look" } as const;
