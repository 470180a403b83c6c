import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../../contract/errors.ts";
import type { DatastoreAccess, Place, PlaceOpener } from "../../core/files/place.ts";
import { makeFolderPlace } from "./folder.ts";
import type { makeHttpPlace } from "./http.ts";
import type { makeS3Place } from "./s3.ts";
import type { makeSftpPlaces } from "./sftp.ts";
import { mappedPlace, type UrlMap } from "./url-map.ts";

export interface PlacesOptions {
  /** The home is a person's own machine: its folders and private networks may be reached. */
  readonly isLaptop: boolean;
  /** Folders that no datastore may enter. */
  readonly hidden: readonly string[];
  readonly urlMap: UrlMap;
}

/** The PlaceOpener port: clients of everything that a datastore or address can name. */
export function makePlaces(options: PlacesOptions): PlaceOpener & { close(): void } {
  let sftp: Promise<ReturnType<typeof makeSftpPlaces>> | undefined;
  const sftpPlace = (access: DatastoreAccess) =>
    lazily({ signs: false }, async () => {
      sftp ??= import("./sftp.ts").then((it) => it.makeSftpPlaces({ allowPrivate: options.isLaptop }));
      return (await sftp).place(access);
    });

  return {
    datastore(access) {
      const { type, settings, credentials } = access;
      switch (type) {
        case "local":
          return folder(String(settings.path), options);
        case "http":
          return httpPlace({
            base: String(settings.base_url),
            allowPrivate: options.isLaptop,
            ...authorizationOf(credentials),
          });
        case "s3":
          if (access.credentials.access_key_id === undefined) mustBeOwnMachine(options, String(access.settings.bucket));
          return s3Place({ ...s3Settings(access), allowPrivate: options.isLaptop });
        case "sftp":
          return sftpPlace(access);
        default:
          throw azureOnly(access);
      }
    },
    address(uri) {
      const scheme = uri.slice(0, uri.indexOf(":")).toLowerCase();
      if (scheme === "file") return folder(pathOf(uri), options);
      if (scheme === "s3") return bucket(uri, options);
      return httpPlace({ base: webAddress(uri, scheme), allowPrivate: options.isLaptop });
    },
    mapped: (uri) => mappedPlace(options.urlMap, uri),
    close: () => void sftp?.then((it) => it.close()),
  };
}

/** Clients are loaded when a place is first used: most functions and commands never use one. */
function lazily(can: { readonly signs: boolean } | undefined, load: () => Promise<Place>): Place {
  let loaded: Promise<Place> | undefined;
  const place = (): Promise<Place> => {
    loaded ??= load();
    return loaded;
  };
  return {
    list: async (...args) => (await place()).list(...args),
    open: async (...args) => (await place()).open(...args),
    browse: async (...args) => (await place()).browse(...args),
    ...(can === undefined ? {} : { write: async (...args) => (await place()).write?.(...args) }),
    ...(can?.signs === true ? { signWrite: async (...args) => (await place()).signWrite?.(...args) } : {}),
  };
}

function httpPlace(options: Parameters<typeof makeHttpPlace>[0]): Place {
  return lazily(undefined, async () => (await import("./http.ts")).makeHttpPlace(options));
}

function s3Place(options: Parameters<typeof makeS3Place>[0]): Place {
  return lazily({ signs: true }, async () => (await import("./s3.ts")).makeS3Place(options));
}

function folder(path: string, options: PlacesOptions): Place {
  if (!options.isLaptop) throw new AppError("NotSupported", `folder \`${path}\` is on no machine of this home`);
  if (!isAbsolute(path)) throw new AppError("InvalidArgument", `\`${path}\` is not an absolute path`);
  return makeFolderPlace(path, { hidden: options.hidden });
}

function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      `\`${uri}\` is not the address of a file on this machine`,
      { hint: "write `file:///folder/file`" },
      { cause },
    );
  }
}

function bucket(uri: string, options: PlacesOptions): Place {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/is.exec(uri);
  if (match?.[1] === undefined) throw new AppError("InvalidArgument", `\`${uri}\` names no bucket`);
  mustBeOwnMachine(options, match[1]);
  return s3Place({ bucket: match[1], prefix: match[2] ?? "", allowPrivate: options.isLaptop });
}

/** Without keys of its own a place is read with what this process has. On a person's machine that is the person's; a service's role must not be lent to whoever asks. */
function mustBeOwnMachine(options: PlacesOptions, name: string): void {
  if (options.isLaptop) return;
  throw new AppError("NotSupported", `bucket \`${name}\` can't be opened without credentials`, {
    hint: "make an s3 datastore with `access_key_id` and `secret_access_key`; public objects can be read by their https address",
  });
}

function authorizationOf(credentials: Readonly<Record<string, string>>): { authorization?: string } {
  const { bearer, username, password } = credentials;
  if (bearer !== undefined) return { authorization: `Bearer ${bearer}` };
  if (username === undefined && password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64")}` };
}

function s3Settings({ settings, credentials }: DatastoreAccess) {
  const text = (name: string) => (typeof settings[name] === "string" ? { [name]: settings[name] } : {});
  return {
    bucket: String(settings.bucket),
    prefix: typeof settings.prefix === "string" ? settings.prefix : "",
    ...text("region"),
    ...text("endpoint"),
    ...(credentials.access_key_id === undefined ? {} : { credentials }),
  };
}

/** Azure's storage schemes as the public https address of the same bytes. */
function webAddress(uri: string, scheme: string): string {
  if (scheme === "http" || scheme === "https") {
    if (!URL.canParse(uri)) throw new AppError("InvalidArgument", `\`${uri}\` is not a valid address`);
    return uri;
  }
  const match = /^[a-z]+:\/\/([^@/]+)@([^./]+)\.(?:blob|dfs)\.([^/]+)\/?(.*)$/is.exec(uri);
  if (match === null || scheme === "adl") {
    throw new AppError("NotSupported", `\`${uri}\` can't be read here`, {
      hint: "of Azure storage, public blobs can be read: wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH",
    });
  }
  const [, container, account, domain, path = ""] = match;
  const address = `https://${account}.blob.${domain}/${container}/${path}`;
  if (!URL.canParse(address)) throw new AppError("InvalidArgument", `\`${uri}\` is not a valid address`);
  return address;
}

function azureOnly({ name, type }: DatastoreAccess): AppError {
  return new AppError("NotSupported", `datastore \`${name}\` is of type \`${type}\`, which only Azure can reach`, {
    hint: "copy its files into a datastore of type workspace, s3, sftp, http or local",
  });
}
