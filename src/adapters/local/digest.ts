export { makeDigest } from "../node/digest.ts";
