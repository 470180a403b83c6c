import { expect, test } from "vitest";
import { resourcesOf, template } from "./templates.ts";

const signIn = await template("sign-in");

test("people stay under the id that they have always had", () => {
  // A changed id is an empty list of people in every deployed home: never change it.
  expect(resourcesOf(signIn).PeopleE38C8D03?.Type).toBe("AWS::Cognito::UserPool");
});

test("only administrators add people, and a guess does not tell who is known", () => {
  signIn.hasResourceProperties("AWS::Cognito::UserPool", {
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    DeletionProtection: "ACTIVE",
    UsernameAttributes: ["email"],
  });
  signIn.hasResourceProperties("AWS::Cognito::UserPoolClient", { PreventUserExistenceErrors: "ENABLED" });
  expect(Object.values(resourcesOf(signIn)).find(({ Type }) => Type === "AWS::Cognito::UserPool")).toMatchObject({
    DeletionPolicy: "Retain",
  });
});

test("the command line's client has no secret, and codes go back to the person's own machine only", () => {
  signIn.hasResourceProperties("AWS::Cognito::UserPoolClient", {
    GenerateSecret: false,
    AllowedOAuthFlows: ["code"],
    CallbackURLs: ["http://localhost:8765/callback"],
  });
});
