/** The JavaScript client of the object store. */

export { ObjectStore, ObjectStore as default } from "./client.js";
export { Body } from "./body.js";
export * from "./errors.js";
