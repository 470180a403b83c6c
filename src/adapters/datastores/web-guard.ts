import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { AppError } from "../../contract/errors.ts";

/** Never reached on behalf of a caller: cloud metadata services and what only means this link. */
const NEVER = makeList(
  ["169.254.0.0", 16, "ipv4"],
  ["100.100.100.200", 32, "ipv4"],
  ["168.63.129.16", 32, "ipv4"],
  ["192.0.0.192", 32, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["240.0.0.0", 4, "ipv4"],
  ["fe80::", 10, "ipv6"],
  ["fd00:ec2::", 32, "ipv6"],
  ["fd20:ce::254", 128, "ipv6"],
  ["ff00::", 8, "ipv6"],
);

/** Reached only where the home is a person's own machine. */
const PRIVATE = makeList(
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["::", 127, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["64:ff9b::", 96, "ipv6"],
  ["2002::", 16, "ipv6"],
);

function makeList(...ranges: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix, family] of ranges) list.addSubnet(net, prefix, family);
  return list;
}

/** True if an address may be connected to. IPv4 addresses in IPv6 clothes are judged as IPv4. */
export function mayConnect(address: string, allowPrivate: boolean): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const name = family === 4 ? "ipv4" : "ipv6";
  return !NEVER.check(address, name) && (allowPrivate || !PRIVATE.check(address, name));
}

export function refusedAddress(host: string): AppError {
  return new AppError(
    "InvalidArgument",
    `the server does not fetch from \`${host}\`: it is a private, link-local or metadata address`,
    {
      hint: "download it yourself and upload it, or use a datastore",
    },
  );
}

/** Throws for hosts written as an address; names are judged by `guardedLookup` once they are resolved. */
export function checkHost(url: URL, allowPrivate: boolean): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !mayConnect(host, allowPrivate)) throw refusedAddress(host);
}

/** Resolves a name and refuses it if any of its addresses may not be connected to. The socket connects to what was checked, so a second answer can't slip in. */
export function guardedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 0);
      if (addresses.some(({ address }) => !mayConnect(address, allowPrivate))) {
        return callback(refusedAddress(hostname), "", 0);
      }
      if (options.all === true) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}
