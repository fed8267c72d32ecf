import { expect, group, Skipped, type Check } from "../check.ts";
import { is, message, newId, payloadOf, problemsOfEnvelope, shown, type Incoming } from "../message.ts";
import type { Wire } from "../wire.ts";
import type { EndpointPeer } from "./peer.ts";

const nbwss = "NBWSS, COMMAND";
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** What the suite answers, so that the application's side can be compared by eye. */
const body = JSON.stringify({ conformance: "this answer comes from sallyport conformance" });

/** COMMAND, as far as a primary sees it. Some need the cloud application to send one. */
export const commandChecks: Check<EndpointPeer>[] = group("commands", [
  {
    id: "unknown-response",
    rule: "a COMMAND RESPONSE that nobody waits for is ignored",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      await using wire = await peer.connect();
      wire.send(message("COMMAND RESPONSE", { status: 200, headers: {}, body: "nobody asked" }));
      wire.send(message("COMMAND RESPONSE", {}, newId().toLowerCase()));
      await peer.works(wire);
    },
  },
  {
    id: "request-from-primary",
    rule: "a COMMAND REQUEST from the primary is not for an endpoint and closes with 1008",
    source: "ours, docs/protocol.md",
    level: "SHOULD",
    async run(peer) {
      await using wire = await peer.connect();
      wire.send(message("COMMAND REQUEST", { uri: "/netbackup/ping", method: "GET", headers: {} }));
      await wire.ends("close 1008", peer.timing.closeMs, [1008]);
    },
  },
  {
    id: "request",
    rule: "a COMMAND REQUEST has a uri from /netbackup/ on, a known method, headers as text, and parameters as a string if any",
    source: nbwss,
    level: "MUST",
    needs: "command",
    async run(peer) {
      await using wire = await peer.connect();
      const command = await nextCommand(peer, wire);
      answer(wire, command);
      const problems = [...problemsOfEnvelope(command.value), ...problemsOfCommand(payloadOf(command))];
      expect(
        problems.length === 0,
        "a right COMMAND REQUEST",
        () => `${problems.join("; ")} in ${shown(withoutSecrets(command))}`,
      );
    },
  },
  {
    id: "content-type",
    rule: "a command has Content-Type application/vnd.netbackup+json;version=N.N",
    source: nbwss,
    level: "SHOULD",
    needs: "command",
    async run(peer) {
      await using wire = await peer.connect();
      const command = await nextCommand(peer, wire);
      answer(wire, command);
      const { headers = {} } = payloadOf(command) as { headers?: Record<string, string> };
      const found = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1];
      const isRight = /^(?:application\/vnd\.netbackup\+json;\s*version=\d+\.\d+|multipart\/)/i.test(
        found ?? "",
      );
      expect(isRight, "NetBackup's media type", () => found ?? "no Content-Type");
    },
  },
  {
    id: "unique-ids",
    rule: "each command has an id of its own, also while another one is unanswered",
    source: "NBWSS, envelope",
    level: "MUST",
    needs: "command",
    async run(peer) {
      await using wire = await peer.connect();
      const [first, second] = [await nextCommand(peer, wire), await nextCommand(peer, wire)];
      for (const command of [second, first]) answer(wire, command);
      expect(!is("COMMAND REQUEST", String(first.value["id"]))(second), "two ids", () =>
        shown(withoutSecrets(second)),
      );
    },
  },
  ...[
    { status: 200, headers: {}, body },
    { statusCode: 200, headers: {}, responseBody: body },
    { responseCode: 200, headers: {}, response: JSON.parse(body) as unknown },
    { httpStatus: 200, headers: { "content-type": "application/json" }, content: body, more: [1] },
  ].map((payload) => ({
    id: `answer-${Object.keys(payload)[0]}`,
    rule: `an answer with ${Object.keys(payload)[0]} and ${Object.keys(payload)[2]} is taken without an end of the connection`,
    source: "ours, docs/protocol.md",
    level: "SHOULD" as const,
    needs: "command" as const,
    async run(peer: EndpointPeer) {
      await using wire = await peer.connect();
      const command = await nextCommand(peer, wire);
      const id = String(command.value["id"]);
      wire.send(message("COMMAND RESPONSE", payload, id.toLowerCase()));
      // Twice, as a primary may that lost count.
      wire.send(message("COMMAND RESPONSE", payload, id));
      await peer.works(wire);
    },
  })),
]);

/** Waits for the cloud application to send a command. @throws Skipped when it sends none */
async function nextCommand(peer: EndpointPeer, wire: Wire): Promise<Incoming> {
  const { commandMs } = peer.timing;
  if (commandMs === undefined) throw new Skipped("no command is expected");
  peer.waiting("have the cloud application call GET /netbackup/ping of this primary");
  const command = is("COMMAND REQUEST");
  return wire.take(command, "a COMMAND REQUEST of the cloud application", commandMs).catch(() => {
    throw new Skipped(`the cloud application has sent no command within ${commandMs} ms`);
  });
}

function answer(wire: Wire, command: Incoming): void {
  wire.send(message("COMMAND RESPONSE", { status: 200, headers: {}, body }, String(command.value["id"])));
}

function problemsOfCommand(payload: Record<string, unknown>): string[] {
  const { uri, method, headers, parameters } = payload;
  const problems: string[] = [];
  if (typeof uri !== "string" || !uri.startsWith("/netbackup/"))
    problems.push("uri is not below /netbackup/");
  if (!methods.includes(String(method))) problems.push(`method is none of ${methods.join(", ")}`);
  const isObject = typeof headers === "object" && headers !== null && !Array.isArray(headers);
  if (!isObject || !Object.values(headers).every((value) => typeof value === "string")) {
    problems.push("headers is no object of strings");
  }
  if (parameters !== undefined && typeof parameters !== "string") problems.push("parameters is no string");
  if (method === "GET" && parameters !== undefined) problems.push("parameters stands in a GET");
  return problems;
}

/** The message without the values of its headers and its body: they hold the application's credentials. */
function withoutSecrets({ value }: Incoming): string {
  const {
    headers = {},
    parameters,
    ...payload
  } = payloadOf({ text: "", value }) as {
    headers?: unknown;
    parameters?: unknown;
  };
  const names = typeof headers === "object" && headers !== null ? Object.keys(headers) : headers;
  const hidden = { ...payload, headers: names, ...(parameters === undefined ? {} : { parameters: "…" }) };
  return JSON.stringify({ ...value, payload: hidden });
}
