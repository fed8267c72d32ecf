import { expect, Failed, group, type Check } from "../check.ts";
import { is, message, shown, type Incoming } from "../message.ts";
import type { Wire } from "../wire.ts";
import type { PrimaryPeer } from "./peer.ts";

const nbwss = "NBWSS, NOTIFICATION";
const notification = is("NOTIFICATION REQUEST");

/** Members of an item, and what they hold (NBWSS, NOTIFICATION). */
const members: Readonly<Record<string, Readonly<Record<string, "text" | "number">>>> = {
  JOB: {
    jobId: "number",
    parentJobId: "number",
    jobType: "text",
    state: "text",
    status: "number",
    policyName: "text",
    policyType: "text",
    scheduleType: "text",
    clientName: "text",
    startTime: "number",
  },
  IMAGE: {
    backupId: "text",
    clientName: "text",
    clientType: "text",
    backupTime: "number",
    createdTime: "number",
    operationId: "text",
  },
};

/** NOTIFICATION: what is not acknowledged comes again, what is does not. Each needs the primary to have something to say. */
export const notificationChecks: Check<PrimaryPeer>[] = group(
  "notifications",
  (
    [
      {
        id: "entries",
        rule: "a notification has one or more entries, INFO about JOB or IMAGE, with items that have all documented members",
        source: nbwss,
        level: "MUST",
        async run(peer) {
          const { text, value } = await peer.notification(await peer.session());
          const problems = problemsOfPayload(value["payload"]);
          expect(
            problems.length === 0,
            "documented entries",
            () => `${problems.join("; ")} in ${shown(text)}`,
          );
        },
      },
      {
        id: "resent",
        rule: "a notification that is not acknowledged is sent again on the same connection",
        source: `${nbwss}, notification.scheduledRate`,
        level: "MUST",
        async run(peer) {
          const wire = await peer.session();
          await sentAgain(wire, peer, await unacknowledged(wire, peer));
        },
      },
      {
        id: "same-id",
        rule: "it is sent again under the same id",
        source: "ours, docs/protocol.md",
        level: "SHOULD",
        async run(peer) {
          const wire = await peer.session();
          const first = await unacknowledged(wire, peer);
          const again = await sentAgain(wire, peer, first);
          expect(sameId(first)(again), `the id ${String(first.value["id"])}`, () => shown(again.text));
        },
      },
      {
        id: "outlives-connection",
        rule: "a notification that was not acknowledged is sent again on the next connection",
        source: nbwss,
        level: "MUST",
        async run(peer) {
          const wire = await peer.session();
          const first = await unacknowledged(wire, peer);
          wire.close(1012, "the conformance suite wants the next connection");
          await sentAgain(await peer.session(), peer, first);
        },
      },
      {
        id: "odd-acknowledgement",
        rule: "an acknowledgement is one whatever its payload, form and case of id: what it names is not sent again",
        source: nbwss,
        level: "MUST",
        async run(peer) {
          const wire = await peer.session();
          const first = await justSent(wire, peer);
          const answer = acknowledgement(first, { stored: true, at: [1, 2] });
          wire.sendText(JSON.stringify({ node: "x", ...answer, id: answer.id.toLowerCase() }, null, 2));
          await notSentAgain(wire, peer, first);
        },
      },
      {
        id: "bare-acknowledgement",
        rule: "an acknowledgement without payload is one too",
        source: "ours, docs/protocol.md",
        level: "SHOULD",
        async run(peer) {
          const wire = await peer.session();
          const first = await justSent(wire, peer);
          const { payload: _none, ...bare } = acknowledgement(first, null);
          wire.send(bare);
          await notSentAgain(wire, peer, first);
        },
      },
      {
        id: "late-acknowledgement",
        rule: "an acknowledgement counts also after notification.sendTimeout: a slow endpoint is not sent the same for ever",
        source: "ours, docs/protocol.md",
        level: "SHOULD",
        async run(peer) {
          const wire = await peer.session();
          const first = await justSent(wire, peer);
          await wire.never(sameNotification(first), "no resend so soon", peer.timing.lateMs);
          wire.send(acknowledgement(first, []));
          await notSentAgain(wire, peer, first);
        },
      },
      {
        id: "repeated-acknowledgement",
        rule: "a second acknowledgement of the same notification is ignored",
        source: nbwss,
        level: "MUST",
        async run(peer) {
          const wire = await peer.session();
          const first = await unacknowledged(wire, peer);
          for (let n = 0; n < 3; n += 1) wire.send(acknowledgement(first, []));
          await peer.works(wire);
        },
      },
    ] satisfies Check<PrimaryPeer>[]
  ).map((check) => ({ ...check, needs: "notification" as const })),
);

/** A notification that has not been acknowledged; the copies of it that came are forgotten. */
async function unacknowledged(wire: Wire, peer: PrimaryPeer): Promise<Incoming> {
  const found = await peer.notification(wire);
  wire.drop(sameNotification(found));
  return found;
}

/** A notification whose acknowledgement the primary waits for at this moment. */
async function justSent(wire: Wire, peer: PrimaryPeer): Promise<Incoming> {
  return sentAgain(wire, peer, await unacknowledged(wire, peer));
}

function sentAgain(wire: Wire, peer: PrimaryPeer, first: Incoming): Promise<Incoming> {
  const expected = `the notification ${String(first.value["id"])} again`;
  return wire.take(sameNotification(first), expected, peer.timing.resendMs);
}

async function notSentAgain(wire: Wire, peer: PrimaryPeer, first: Incoming): Promise<void> {
  // What was on its way already when the acknowledgement came is not held against the primary.
  const hasRead = await wire.fence(peer.timing.answerMs);
  if (!hasRead) throw new Failed("a pong after the acknowledgement", "none");
  wire.drop(sameNotification(first));
  await wire.never(sameNotification(first), "no resend of what is acknowledged", peer.timing.noResendMs);
  expect(wire.isOpen, "a connection that goes on", () => "its end");
}

function acknowledgement({ value }: Incoming, payload: unknown) {
  return message("NOTIFICATION RESPONSE", payload, String(value["id"]));
}

function sameId({ value }: Incoming): (other: Incoming) => boolean {
  return is("NOTIFICATION REQUEST", String(value["id"]));
}

/** The same id, or, where the primary makes a new one for each try, the same content. */
function sameNotification(first: Incoming): (other: Incoming) => boolean {
  const content = JSON.stringify(first.value["payload"]);
  return (other) =>
    sameId(first)(other) || (notification(other) && JSON.stringify(other.value["payload"]) === content);
}

function problemsOfPayload(payload: unknown): string[] {
  if (!Array.isArray(payload) || payload.length === 0) return ["the payload is no array of one or more"];
  return payload.flatMap((entry: Record<string, unknown>, index) => {
    const { notificationType, object, data } = entry;
    const at = `payload[${index}]`;
    const wanted = members[String(object)];
    if (wanted === undefined) return [`${at}.object is neither JOB nor IMAGE`];
    const problems = notificationType === "INFO" ? [] : [`${at}.notificationType is not INFO`];
    if (!Array.isArray(data)) return [...problems, `${at}.data is no array`];
    const items = data as Record<string, unknown>[];
    return [...problems, ...items.flatMap((item) => problemsOfItem(item, wanted, at))];
  });
}

function problemsOfItem(
  item: Record<string, unknown>,
  wanted: Readonly<Record<string, "text" | "number">>,
  at: string,
): string[] {
  return Object.entries(wanted).flatMap(([name, kind]) => {
    const isRight = kind === "number" ? Number.isInteger(item[name]) : typeof item[name] === "string";
    return isRight ? [] : [`${at}: ${name} is no ${kind === "number" ? "whole number" : "text"}`];
  });
}
