import { AppError } from "../contract/errors.ts";
import type { OutputRegistry } from "../core/jobs/ports.ts";
import type { Ground } from "./part.ts";
import type { Stores } from "./stores.ts";

/** Completed jobs' outputs become data assets and models. */
export function makeOutputRegistry(_ground: Ground, _stores: Stores): OutputRegistry {
  return {
    async register({ planned }) {
      throw new AppError("NotSupported", `outputs of type \`${planned.type}\` can't be registered`);
    },
  };
}
