// What `tsc` has made of the sources runs in Node as well.

import assert from "node:assert";
import test from "node:test";

import { greeting } from "../build/greeting.js";

test("greets whoever is named", () => {
  assert.equal(greeting("/"), "Hello, world!\n");
  assert.equal(greeting("/ada"), "Hello, ada!\n");
});
