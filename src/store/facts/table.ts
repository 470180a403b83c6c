/** The one table and its indexes as data: lib/ deploys it, both adapters run it. */
export const TABLE = {
  pk: "pk",
  sk: "sk",
  ttl: "expires",
  indexes: {
    gsi1: { pk: "gsi1pk", sk: "gsi1sk" },
    gsi2: { pk: "gsi2pk", sk: "gsi2sk" },
  },
} as const;
