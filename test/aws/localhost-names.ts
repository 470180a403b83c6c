import dns from "node:dns";

const resolve = dns.lookup;

/** Lets this process reach the emulator's addresses: every name under `localhost` is this machine, which resolvers need not know. */
export function resolveLocalhost(): void {
  const lookup = (name: string, options: dns.LookupOptions, done: (...found: unknown[]) => void) =>
    resolve(name.endsWith(".localhost") ? "127.0.0.1" : name, options, done);
  Object.assign(dns, { lookup });
}
