import { readFileSync } from "node:fs";
import { outside } from "../local/outside.ts";

export const canary = [readFileSync, outside];
