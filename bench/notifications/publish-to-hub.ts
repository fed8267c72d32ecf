// A primary that sends notifications as the agent does, numbered: the SDK's connection over TLS, each acknowledged when the hub has fsynced it.
import { readFileSync } from "node:fs";
import { dialEndpoint, failureAnswer, newOrderedId } from "@sallyport/nbwss";
import { runProgram, text } from "../program.ts";
import { closedLoop } from "./closed-loop.ts";
import { jobEntries } from "./message.ts";

runProgram({
  async publisher(config) {
    const connection = await dialEndpoint({
      url: text(config, "url"),
      token: text(config, "token"),
      tls: { ca: readFileSync(text(config, "ca"), "utf8") },
      execute: () => Promise.resolve(failureAnswer(501, 501, "this primary of the bench answers nothing")),
    });
    const hello = await connection.hello(5_000);
    if (hello?.resume === undefined) throw new Error("the hub does not take numbered notifications");
    connection.resume({ journal: newOrderedId().toUpperCase(), position: 0, outcome: "began" });
    // Job numbers start anew with each process, and the hub drops what repeats: each process has its own.
    const base = Math.floor(Math.random() * 1e9) * 1000;
    return {
      facts: {},
      ask: (question) =>
        closedLoop(question, (serial) =>
          connection.notify(
            newOrderedId().toUpperCase(),
            jobEntries(base + serial),
            { timeoutMs: 30_000 },
            serial,
          ),
        ),
    };
  },
});
