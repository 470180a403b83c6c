import { tellStories } from "../scenario/stories/tell.ts";
import { deploy } from "./deployment.ts";
import { openForwardProxy } from "./forward-proxy.ts";
import { resolveLocalhost } from "./localhost-names.ts";
import { AWS } from "./ministack.ts";

resolveLocalhost();
tellStories("AWS", async () => {
  const deployment = await deploy();
  const proxy = await openForwardProxy();
  const { accessKeyId, secretAccessKey } = AWS.credentials;
  const root = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: AWS.region };
  return {
    kind: "AWS",
    url: () => deployment.url,
    owner: "owner",
    variables: () => ({ http_proxy: proxy.url, no_proxy: "" }),
    async signIn(me, name, owner) {
      const login = `login ${deployment.url} --iam`;
      if (name === "owner") return me.try(login, { env: root });
      const user = await makeUser(deployment.endpoint, name.replace(/@.*/, ""));
      await owner.run(`iam create --principal ${user.arn} --name ${name}`);
      return me.try(login, { env: { ...root, ...user.env } });
    },
    async close() {
      proxy.close();
      await deployment.cleanup();
    },
  };
});

/** A user of the account, with a key. */
async function makeUser(endpoint: string, name: string) {
  const ask = async (action: string) => {
    const answer = await fetch(endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=${AWS.credentials.accessKeyId}/20260101/${AWS.region}/iam/aws4_request`,
      },
      body: new URLSearchParams({ Action: action, Version: "2010-05-08", UserName: name }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
    return (tag: string) => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(text)?.[1] ?? "";
  };
  const user = await ask("CreateUser");
  const key = await ask("CreateAccessKey");
  return {
    arn: user("Arn"),
    env: { AWS_ACCESS_KEY_ID: key("AccessKeyId"), AWS_SECRET_ACCESS_KEY: key("SecretAccessKey") },
  };
}
