export const DAY_MS = 24 * 3600 * 1000;
/** Images go this long after they were pushed, used or not; what is asked for again is built again. */
export const KEEP_DAYS = 90;
/** An image that goes sooner than this is as good as gone: a job may wait for a machine that long. */
export const SPARE_DAYS = 7;
/** How long after its push an image may be given to a job. */
export const USABLE_MS = (KEEP_DAYS - SPARE_DAYS) * DAY_MS;
