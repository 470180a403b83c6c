import { CLIENT_ID, startIssuer } from "../helpers/issuer.ts";
import { until } from "../helpers/ports.ts";
import { startServer } from "../helpers/server.ts";
import { tellStories } from "../scenario/stories/tell.ts";

tellStories("laptop", async () => {
  const issuer = await startIssuer();
  const env = { TRAINYARD_OIDC_ISSUER: issuer.url, TRAINYARD_OIDC_CLIENT_ID: CLIENT_ID };
  const server = await startServer({ env });
  const owner = "ada@example.org";
  return {
    kind: "laptop",
    url: server.url,
    owner,
    variables: () => ({}),
    async signIn(me, name) {
      if (name === owner) {
        const machine = { env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() } };
        await me.run(`member create --name ${owner} --role owner --all-workspaces`, machine);
      }
      issuer.person = { sub: name, email: name, email_verified: true };
      let said = "";
      const signing = me.try(`login ${server.url()} --port 0`, {
        onErr: (text) => {
          said += text;
        },
      });
      await fetch(await until(() => /(http\S+\/authorize\?\S+)/.exec(said)?.[1], "the address to sign in at"));
      return signing;
    },
    async close() {
      await server.dispose();
      await issuer.close();
    },
  };
});
