import { patiently } from "../client/patiently.ts";
import { isAppError } from "../contract/errors.ts";
import type { Ctx } from "./context.ts";

/** Waits until a thing that is being deleted is gone: a home may answer before it is. */
export async function untilGone(ctx: Ctx, what: string, ask: () => Promise<unknown>): Promise<void> {
  const progress = ctx.progress(what);
  const isGone = (): Promise<boolean> =>
    ask().then(
      () => false,
      (error: unknown) => {
        if (isAppError(error) && error.code === "NotFound") return true;
        throw error;
      },
    );
  try {
    while (!(await patiently(isGone, (gone) => gone, ctx.io.signal))) progress.update("deleting");
  } finally {
    progress.end();
  }
}
