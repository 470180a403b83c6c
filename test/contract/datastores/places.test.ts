import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeFolderPlace } from "../../../src/adapters/datastores/folder.ts";
import { makeSftpPlaces } from "../../../src/adapters/datastores/sftp.ts";
import { openObjects } from "../../../src/adapters/local/objects.ts";
import { makeObjectsPlace } from "../../../src/core/files/objects-place.ts";
import type { DatastoreAccess } from "../../../src/core/files/place.ts";
import { expectCode, makeTempDir, unique } from "../../helpers/ports.ts";
import { noSshd, startSshd, type TestSshd } from "../../helpers/sshd.ts";
import { describePlace } from "../describe-place.ts";

describePlace("objects below a prefix", async () => {
  const temp = makeTempDir();
  const objects = openObjects({ dir: temp.path });
  return { port: makeObjectsPlace(objects, "ws/default/datastore"), cleanup: async () => temp.remove() };
});

describePlace("a folder of this machine", async () => {
  const temp = makeTempDir();
  return { port: makeFolderPlace(temp.path), cleanup: async () => temp.remove() };
});

describe.skipIf(noSshd !== undefined)(`SFTP${noSshd === undefined ? "" : ` (${noSshd})`}`, () => {
  const temp = makeTempDir();
  const places = makeSftpPlaces({ allowPrivate: true });
  let sshd: TestSshd;
  beforeAll(async () => {
    sshd = await startSshd(join(temp.path, "sshd"));
  });
  afterAll(() => {
    places.close();
    sshd.stop();
    temp.remove();
  });

  function accessTo(
    path: string,
    more: { readonly host_key?: string; readonly private_key?: string } = {},
  ): DatastoreAccess {
    return {
      workspace: "default",
      name: "share",
      type: "sftp",
      settings: {
        host: "127.0.0.1",
        port: sshd.port,
        username: sshd.username,
        path,
        host_key: more.host_key ?? sshd.hostKey,
      },
      credentials: { private_key: more.private_key ?? sshd.privateKey },
    };
  }

  describePlace("an SFTP share", async () => {
    const folder = join(temp.path, unique("share"));
    mkdirSync(folder);
    return { port: places.place(accessTo(folder)), cleanup: async () => undefined };
  });

  it("follows links that stay inside and refuses those that lead out", async () => {
    const folder = join(temp.path, unique("links"));
    mkdirSync(join(folder, "sub"), { recursive: true });
    writeFileSync(join(folder, "sub/a"), "alpha");
    writeFileSync(join(temp.path, "outside"), "secret");
    symlinkSync("sub/a", join(folder, "link"));
    symlinkSync("../outside", join(folder, "leak"));
    symlinkSync(temp.path, join(folder, "up"));
    symlinkSync("..", join(folder, "sub/loop"));
    const place = places.place(accessTo(folder));

    const listing = await place.list("", { limit: 100 });

    expect(listing?.files.map((file) => file.path)).toEqual(["link", "sub/a"]);
    await expectCode(() => place.open("leak"), "InvalidPath");
    await expectCode(() => place.list("up", { limit: 1 }), "InvalidPath");
    await expectCode(() => place.write?.("up/evil", new Uint8Array()) ?? Promise.resolve(), "InvalidPath");
  });

  it("refuses a server with another host key, and says which key it shows", async () => {
    const place = places.place(accessTo(temp.path, { host_key: `SHA256:${"A".repeat(43)}` }));

    await expect(place.list("", { limit: 1 })).rejects.toMatchObject({
      code: "DatastoreUnreachable",
      message: expect.stringContaining(sshd.hostKey),
    });
  });

  it("says in words when it is refused or there is nobody", async () => {
    const { privateKey: stranger } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "pkcs1", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });

    await expectCode(
      () => places.place(accessTo(temp.path, { private_key: stranger })).list("", { limit: 1 }),
      "DatastoreUnreachable",
    );
    await expectCode(
      () => places.place(accessTo(temp.path, { private_key: "nonsense" })).list("", { limit: 1 }),
      "DatastoreUnreachable",
    );
    await expectCode(() => places.place(accessTo("/no/such/folder")).list("", { limit: 1 }), "DatastoreUnreachable");
    const gone = accessTo(temp.path);
    await expectCode(
      () => places.place({ ...gone, settings: { ...gone.settings, port: 1 } }).list("", { limit: 1 }),
      "DatastoreUnreachable",
    );
  });

  it("connects anew after the server was away", async () => {
    const folder = join(temp.path, unique("again"));
    mkdirSync(folder);
    writeFileSync(join(folder, "a"), "alpha");
    const place = places.place(accessTo(folder));
    await place.list("", { limit: 1 });

    places.close();

    expect((await place.list("", { limit: 1 }))?.files).toMatchObject([{ path: "a" }]);
  });
});
