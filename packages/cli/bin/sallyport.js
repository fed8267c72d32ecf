#!/usr/bin/env -S node --max-semi-space-size=8
// Plain JavaScript, and imports nothing of ours until it has said how V8 keeps memory and where compiled code is kept: what is loaded
// before that is compiled anew each time, and the compiler of TypeScript's types with it (some 20 MiB).
import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";

const [, , command = "", first = "--"] = process.argv;
// Until a server has loaded and does something with it, SIGHUP would end it. What that asks to be read again is read by then anyhow.
if (["hub", "primary", "agent"].includes(command) && first.startsWith("--") && !process.stderr.isTTY) {
  process.on("SIGHUP", () => {});
}
/** By then an agent has started, ms. */
const startingMs = 10_000;
// An agent is idle nearly always, on a server whose memory is somebody else's: what is young is kept in little room, and code is compiled
// for size. That costs some speed, which an agent of a few hundred commands a second does not miss.
if (command === "agent") {
  setFlagsFromString("--max-semi-space-size=1");
  setFlagsFromString("--optimize-for-size");
  setFlagsFromString("--single-threaded-gc");
  // What runs while it starts runs once, and is not worth the optimizing compilers and their memory; what commands need later is.
  setFlagsFromString("--no-opt");
  setFlagsFromString("--no-maglev");
  setTimeout(() => {
    setFlagsFromString("--opt");
    setFlagsFromString("--maglev");
  }, startingMs).unref();
}
/** What shows that a data folder is one of theirs, and there. */
const marks = new Map([
  ["agent", "administration.json"],
  ["primary", "primary.db"],
]);
const mark = marks.get(command);
// Agent and primary keep compiled code in their own folder, where nobody else may write; commands about a folder (`primary storage …`) may be
// another user's, and leave nothing in it.
if (mark !== undefined && first.startsWith("--")) {
  const dataDir = process.argv[process.argv.indexOf("--data") + 1] ?? "";
  if (existsSync(join(dataDir, mark))) enableCompileCache(join(dataDir, "compile-cache"));
}
await import("../src/main.ts");
