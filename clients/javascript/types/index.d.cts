/** Types of require("@objectstore/client"): the class itself, the rest on it. */

import type * as client from "./index.js" with { "resolution-mode": "import" };

declare const ObjectStore: typeof client.ObjectStore & Omit<typeof client, "default" | "errors">;
type ObjectStore = client.ObjectStore;
export = ObjectStore;
