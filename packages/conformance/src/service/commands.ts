import { expect, Failed, group, type Check } from "../check.ts";
import { is, message, newId, payloadOf, problemsOfEnvelope, shown } from "../message.ts";
import { commandRequest, netbackupHeaders, type Call, type PrimaryPeer } from "./peer.ts";

const nbwss = "NBWSS, COMMAND";
const ours = "ours, docs/protocol.md";
const mib = 1024 * 1024;
/** More than an application sends at once to one primary in ordinary work. */
const atOnce = 20;

interface Asked {
  id: string;
  rule: string;
  call: Call;
  /** What is right, as a test of the status; any answer when it is missing. */
  isRight?: (status: number) => boolean;
  expected?: string;
  level?: "SHOULD";
  source?: string;
}

const refused = {
  isRight: (status: number) => status >= 400 && status < 500,
  expected: "a status of 400 to 499",
};
const login = { uri: "/netbackup/login", method: "POST" };

const asked: Asked[] = [
  { id: "ping", rule: "GET /netbackup/ping is answered", call: { uri: "/netbackup/ping" } },
  {
    id: "query",
    rule: "a query is part of the uri",
    call: { uri: "/netbackup/ping?page%5Blimit%5D=1&filter=a%20eq%20'b'" },
  },
  {
    id: "unknown-path",
    rule: "an unknown path is answered with the REST API's error, not with silence",
    call: { uri: "/netbackup/no/such/path" },
    ...refused,
  },
  {
    id: "no-parameters",
    rule: "a POST without parameters is answered",
    call: login,
    ...refused,
  },
  {
    id: "parameters",
    rule: "parameters are the body as a string: a login with wrong credentials is refused by the REST API",
    call: {
      ...login,
      parameters: JSON.stringify({ userName: "conformance-nobody", password: 'wrong "\\ Größe 備份' }),
    },
    ...refused,
  },
  {
    id: "broken-parameters",
    rule: "parameters that are no JSON are the REST API's to refuse",
    call: { ...login, parameters: "{" },
    ...refused,
  },
  {
    id: "big-parameters",
    rule: "a body of 1 MiB is answered, if only with a refusal",
    call: { ...login, parameters: JSON.stringify({ userName: "x".repeat(mib), password: "x" }) },
    isRight: (status) => status >= 400,
    expected: "a status of 400 or more",
  },
  {
    id: "no-authorization",
    rule: "a call that needs Authorization and has none is answered 401",
    call: { uri: "/netbackup/admin/jobs" },
    isRight: (status) => status === 401,
    expected: "status 401",
    source: "NetBackup REST API",
    level: "SHOULD",
  },
  {
    id: "bad-authorization",
    rule: "a call with a worthless JWT is refused",
    call: { uri: "/netbackup/admin/jobs", headers: { ...netbackupHeaders, Authorization: "worthless" } },
    ...refused,
    source: "NetBackup REST API",
  },
  {
    id: "no-headers",
    rule: "a command whose headers are empty is answered",
    call: { uri: "/netbackup/ping", headers: {} },
    source: ours,
    level: "SHOULD",
  },
  {
    id: "bad-header",
    rule: "a header that HTTP does not allow is answered with an error, not with silence",
    call: { uri: "/netbackup/ping", headers: { ...netbackupHeaders, "X-Line": "one\r\nX-Two: two" } },
    isRight: (status) => status >= 400,
    expected: "a status of 400 or more",
    source: ours,
    level: "SHOULD",
  },
];

/** Uris that are no path of the REST API, or would lead out of it. */
const outside = [
  "/",
  "/etc/passwd",
  "/netbackup",
  "/netbackup/../etc/passwd",
  "/netbackup/%2e%2e/%2e%2e/etc/passwd",
  "//conformance.invalid/netbackup/ping",
  "https://conformance.invalid/netbackup/ping",
  "netbackup/ping",
  "",
];

/** COMMAND: everything is answered, under its own id. */
export const commandChecks: Check<PrimaryPeer>[] = group("commands", [
  ...asked.map(({ id, rule, call, isRight = () => true, expected = "", source = nbwss, level }) => ({
    id,
    rule,
    source,
    level: level ?? ("MUST" as const),
    async run(peer: PrimaryPeer) {
      const { status, incoming } = await peer.command(await peer.session(), call);
      expect(isRight(status), expected, () => `${status} in ${shown(incoming.text)}`);
    },
  })),
  {
    id: "response",
    rule: "a COMMAND RESPONSE has version, the request's id, seconds as timeStamp, and headers as text",
    source: `${nbwss} and envelope`,
    level: "MUST",
    async run(peer) {
      const { incoming } = await peer.command(await peer.session(), { uri: "/netbackup/ping" });
      const { headers } = payloadOf(incoming);
      const problems = problemsOfEnvelope(incoming.value);
      const isObject = typeof headers === "object" && headers !== null && !Array.isArray(headers);
      if (!isObject || !Object.values(headers).every((value) => typeof value === "string")) {
        problems.push("payload.headers is no object of strings");
      }
      expect(
        problems.length === 0,
        "a right COMMAND RESPONSE",
        () => `${problems.join("; ")} in ${shown(incoming.text)}`,
      );
    },
  },
  {
    id: "members",
    rule: "its payload has status (a number), headers and body (a string)",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      const { incoming } = await peer.command(await peer.session(), { uri: "/netbackup/ping" });
      const { status, body } = payloadOf(incoming);
      const isRight = Number.isInteger(status) && typeof body === "string";
      expect(isRight, "payload.status as a number and payload.body as a string", () => shown(incoming.text));
    },
  },
  {
    id: "header-names",
    rule: "names of headers in a COMMAND RESPONSE are in lower case",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const { incoming } = await peer.command(await peer.session(), { uri: "/netbackup/ping" });
      const names = Object.keys((payloadOf(incoming)["headers"] as object | undefined) ?? {});
      const wrong = names.filter((name) => name !== name.toLowerCase());
      expect(wrong.length === 0, "names in lower case", () => wrong.join(", "));
    },
  },
  {
    id: "methods",
    rule: "each of GET, POST, PUT, PATCH and DELETE is answered",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        await peer.command(wire, { uri: "/netbackup/no/such/path", method });
      }
    },
  },
  {
    id: "at-once",
    rule: `${atOnce} commands sent without waiting are each answered, once, in any order`,
    source: nbwss,
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      const requests = Array.from({ length: atOnce }, () => commandRequest({ uri: "/netbackup/ping" }));
      for (const request of requests) wire.send(request);
      for (const { id } of requests) await peer.answerTo(wire, id);
      await wire.never(is("COMMAND RESPONSE"), "one answer to each command", peer.timing.quietMs);
    },
  },
  {
    id: "outside",
    rule: "a uri that is not below /netbackup/ is not called",
    source: nbwss,
    level: "MUST",
    async run(peer) {
      for (const uri of outside) {
        const wire = await peer.session();
        const request = commandRequest({ uri });
        wire.send(request);
        const answered = await peer.answerTo(wire, request.id).catch((error: unknown) => {
          // To end the connection is another way to refuse it.
          if (wire.ending !== undefined) return undefined;
          throw error;
        });
        const status = answered?.status ?? 403;
        if (status < 400) throw new Failed(`a refusal of ${JSON.stringify(uri)}`, `status ${status}`);
      }
    },
  },
  {
    id: "outside-answered",
    rule: "a uri that is not below /netbackup/ is refused by an answer, and the connection goes on",
    source: ours,
    level: "SHOULD",
    async run(peer) {
      const wire = await peer.session();
      for (const uri of outside) {
        const { status } = await peer.command(wire, { uri });
        expect(refused.isRight(status), refused.expected, () => `${status} to ${JSON.stringify(uri)}`);
      }
    },
  },
  {
    id: "unknown-acknowledgement",
    rule: "a NOTIFICATION RESPONSE that nobody waits for is ignored",
    source: "NBWSS, NOTIFICATION",
    level: "MUST",
    async run(peer) {
      const wire = await peer.session();
      wire.send(message("NOTIFICATION RESPONSE", [], newId()));
      await peer.works(wire);
    },
  },
]);
