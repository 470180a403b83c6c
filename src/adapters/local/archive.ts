export { makeArchiver } from "../node/archive.ts";
