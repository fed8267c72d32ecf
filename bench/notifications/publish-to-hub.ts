// A primary that sends notifications: the SDK's connection over TLS, each acknowledged when the hub has fsynced it.
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
    // Job numbers start anew with each process, and the hub drops what repeats: each process has its own.
    const base = Math.floor(Math.random() * 1e9) * 1000;
    return {
      facts: {},
      ask: (question) =>
        closedLoop(question, (serial) =>
          connection.notify(newOrderedId().toUpperCase(), jobEntries(base + serial), { timeoutMs: 30_000 }),
        ),
    };
  },
});
