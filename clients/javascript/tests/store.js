/** The store that the tests run against, named by the environment. */

import { randomBytes } from "node:crypto";

import ObjectStore from "@objectstore/client";

const { OBJECTSTORE_URL, OBJECTSTORE_API_KEY } = process.env;
if (!OBJECTSTORE_URL || !OBJECTSTORE_API_KEY) {
  throw new Error("set OBJECTSTORE_URL and OBJECTSTORE_API_KEY to those of a running store");
}

export const apiKey = OBJECTSTORE_API_KEY;
export const url = OBJECTSTORE_URL;
export const endpoint = `${OBJECTSTORE_URL}/v1`;
export const client = new ObjectStore({ apiKey, endpoint });

/** Create a bucket of a name that nothing else has. */
export async function freshBucket(options = {}) {
  const bucket = `js-${randomBytes(8).toString("hex")}`;
  await client.createBucket({ bucket, ...options });
  return bucket;
}
