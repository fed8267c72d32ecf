import type { Clock, Command, ServiceAnswer, ServiceCommand } from "@sallyport/nbwss";
import type { Database } from "@sallyport/durable";
import type { Logger } from "pino";
import type { AuditTrail } from "../audit/audit-event.ts";
import { NoteLimit } from "../audit/note-limit.ts";
import { redactBody, redactUri } from "../audit/redact.ts";
import { AgentError } from "../errors.ts";
import type { CommandExecutor } from "../executor.ts";
import type { AgentLimits } from "../limits.ts";
import { refusalAnswer, ticketAnswer } from "./answers.ts";
import { exceededBudget, type Spending } from "./budgets.ts";
import { decide, denyUnclear, type Decision } from "./decision.ts";
import { effectsOf } from "./effects.ts";
import { isForGuard, readRequest, type GuardedRequest } from "./guarded-request.ts";
import { GuardCounters } from "./guard-counters.ts";
import { requestHash, ticketHeader } from "./request-hash.ts";
import { restoreSize } from "./restore-size.ts";
import type { GuardRules } from "./rules.ts";
import { SpendingStore } from "./spending-store.ts";
import { TicketStore } from "./ticket-store.ts";

/** What the guard stands on. */
export interface GuardOptions {
  /** Holds tickets and what was spent. */
  database: Database;
  audit: AuditTrail;
  /** The rules in force, asked for each command. */
  rules: () => GuardRules;
  limits: AgentLimits;
  clock: Clock;
  log: Logger;
}

/** One command on its way. */
interface Passage {
  request: GuardedRequest;
  command: ServiceCommand;
  groupId: string;
  upstream: CommandExecutor;
  signal: AbortSignal;
  rules: GuardRules;
  decision: Decision;
}

/** What a command has spent, and when. */
interface Spent {
  spending: Spending;
  atMs: number;
}

/**
 * Has the last word on what the cloud may do: every command of every connection goes through here, and only what a rule allows or somebody
 * on premises has approved reaches the upstream. When the audit can't be written, nothing but reading goes through.
 */
export class Guard {
  readonly tickets: TicketStore;
  readonly spending: SpendingStore;
  readonly counters = new GuardCounters();
  readonly #told: NoteLimit;
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.tickets = new TicketStore(options.database, options.limits, options.clock.now());
    this.spending = new SpendingStore(options.database);
    this.#told = new NoteLimit(options.limits.maxAuditNotesPerMinute);
  }

  /** Decides on a command and, if it may pass, has the upstream carry it out. Never rejects: a refusal is an answer too. */
  async execute(
    command: ServiceCommand,
    groupId: string,
    upstream: CommandExecutor,
    signal: AbortSignal,
  ): Promise<ServiceAnswer> {
    try {
      const { request, refusal } = readRequest(command, groupId, this.#options.limits.maxPathCharacters);
      if (request === undefined) return this.#deny(command, groupId, denyUnclear(refusal));
      if (isForGuard(request)) return this.#own(command, request);
      const rules = this.#options.rules();
      const decision = decide(rules, request, this.#options.clock.now());
      const passage = { request, command, groupId, upstream, signal, rules, decision };
      if (decision.action === "deny") return this.#deny(command, groupId, decision);
      const ticket = request.headers.get(ticketHeader);
      if (command.upload !== undefined && (ticket !== undefined || decision.action === "hold"))
        throw unreviewable(decision);
      if (ticket !== undefined) return await this.#redeem(passage, ticket);
      if (decision.action === "hold") return await this.#hold(passage);
      return await this.#allow(passage);
    } catch (error) {
      if (error instanceof AgentError) return this.#refuse(command, groupId, error);
      this.#options.log.error({ err: error, groupId }, "guard.failed");
      const internal = new AgentError(
        "internal",
        "the guard could not decide; nothing was sent. Its log tells why",
      );
      return refusalAnswer(internal);
    }
  }

  #deny(command: Command, groupId: string, { rule, reason }: Decision): ServiceAnswer {
    this.counters.count("denied", rule);
    this.#note("command.denied", command, groupId, { rule, reason });
    const told = { groupId, method: command.method, rule, reason };
    // A flood is counted, and must not fill the disk by way of the log.
    if (this.#told.takes({ kind: "denied" }, this.#options.clock.now()))
      this.#options.log.warn(told, "guard.denied");
    return refusalAnswer(
      new AgentError("forbidden", `The request was refused by the rule "${rule}": ${reason}.`),
      rule,
    );
  }

  /** What the guard itself does not let pass now, for a reason that is no rule. */
  #refuse(command: Command, groupId: string, error: AgentError): ServiceAnswer {
    this.counters.count(error.code === "audit_failed" ? "auditFailed" : "refused");
    this.#note("command.refused", command, groupId, { reason: error.message });
    return refusalAnswer(error);
  }

  /** The paths that are the guard's own: how a ticket stands. They are never forwarded. */
  #own(command: Command, request: GuardedRequest): ServiceAnswer {
    const [, , collection, id, more] = request.path.segments;
    if (request.method !== "GET" || collection !== "tickets" || id === undefined || more !== undefined) {
      return this.#deny(command, request.groupId, ownDecision);
    }
    const ticket = this.tickets.get(id, this.#options.clock.now());
    if (ticket.groupId !== request.groupId)
      throw new AgentError("ticket_unknown", `there is no ticket ${id.slice(0, 40)}`);
    return ticketAnswer(200, ticket);
  }

  async #allow(passage: Passage): Promise<ServiceAnswer> {
    const { request, command, groupId, rules, decision } = passage;
    const { rule } = decision;
    if (request.method === "GET") {
      this.counters.count("allowed", rule);
      const answer = await passage.upstream.execute(command, passage.signal);
      this.#note("command.read", command, groupId, { rule, status: answer.status });
      return answer;
    }
    const spending = await this.#spendingOf(passage);
    // From here to the spending nothing waits, so that two commands can't both have the last of a budget.
    const now = this.#options.clock.now();
    const exceeded = exceededBudget(rules.budgets, spending, groupId, (kind, hours, groups) =>
      this.spending.spent(kind, hours, groups, now),
    );
    if (exceeded !== undefined) {
      const { budget, reason } = exceeded;
      const beyond: Decision = {
        ...decision,
        action: budget.beyond,
        rule: budget.name,
        line: undefined,
        reason,
      };
      this.counters.count("budgetExceeded", budget.name);
      if (budget.beyond === "hold" && command.upload !== undefined) throw unreviewable(beyond);
      return budget.beyond === "deny"
        ? this.#deny(command, groupId, beyond)
        : this.#hold({ ...passage, decision: beyond });
    }
    const spent = { spending, atMs: now };
    this.#spend(spent, groupId, 1);
    try {
      await this.#options.audit.record({ kind: "command.allowed", ...describe(command, groupId), rule });
    } catch (error) {
      this.#spend(spent, groupId, -1);
      throw error;
    }
    this.counters.count("allowed", rule);
    return this.#carryOut(passage, spent, undefined);
  }

  async #hold({ request, command, groupId, rules, decision }: Passage): Promise<ServiceAnswer> {
    const { rule, reason } = decision;
    const { clock, limits, audit, log } = this.#options;
    const hash = requestHash(request, command.uri);
    const before = this.tickets.findOpen(groupId, hash, clock.now());
    if (before !== undefined) return ticketAnswer(202, before);
    const bodyBytes = Buffer.byteLength(request.body ?? "");
    if (bodyBytes > limits.maxTicketBodyBytes) {
      const limit = `it needs approval ("${rule}"), and nobody can review a body of more than ${limits.maxTicketBodyBytes} bytes`;
      throw new AgentError("forbidden", `The request was refused: ${limit}.`);
    }
    const ticket = this.tickets.hold(
      {
        groupId,
        requestHash: hash,
        rule,
        reason,
        method: command.method,
        uri: redactUri(command.uri),
        contentType: request.headers.get("content-type") ?? null,
        body: request.body === undefined ? null : redactBody(request.body),
        bodyBytes,
      },
      clock.now(),
      rules.ticketLifeMs,
    );
    const event = { ...describe(command, groupId), rule, reason, ticket: ticket.id, requestHash: hash };
    try {
      await audit.record({ kind: "command.held", ...event });
    } catch (error) {
      this.tickets.discard(ticket.id);
      throw error;
    }
    this.counters.count("held", rule);
    log.warn({ groupId, ticket: ticket.id, method: command.method, rule }, "guard.held");
    return ticketAnswer(202, ticket);
  }

  /** A held command that was sent again with its ticket. */
  async #redeem(passage: Passage, id: string): Promise<ServiceAnswer> {
    const { request, command, groupId } = passage;
    const { clock, audit } = this.#options;
    const hash = requestHash(request, command.uri);
    const known = this.tickets.get(id, clock.now());
    if (known.state === "HELD" && known.groupId === groupId && known.requestHash === hash)
      return ticketAnswer(202, known);
    const { rule } = this.tickets.claim(id, groupId, hash, clock.now());
    let spent: Spent;
    try {
      // An approval stands above the budgets, but counts.
      spent = { spending: await this.#spendingOf(passage), atMs: clock.now() };
      const event = { ...describe(command, groupId), rule, ticket: id, requestHash: hash };
      await audit.record({ kind: "command.approved_sent", ...event });
      this.#spend(spent, groupId, 1);
    } catch (error) {
      this.tickets.unclaim(id);
      throw error;
    }
    this.counters.count("approvedSent", rule);
    const { [headerNamed(command, ticketHeader)]: _ticket, ...headers } = command.headers;
    return this.#carryOut({ ...passage, command: { ...command, headers } }, spent, id);
  }

  async #carryOut(passage: Passage, spent: Spent, ticket: string | undefined): Promise<ServiceAnswer> {
    const { command, groupId, upstream, signal } = passage;
    const { audit, clock, log } = this.#options;
    const answer = await upstream.execute(command, signal);
    // Nobody waited for the end: whether it was carried out is not known.
    const status = signal.aborted ? undefined : answer.status;
    try {
      if (ticket !== undefined) this.tickets.end(ticket, status, clock.now());
      // The upstream says that it did nothing.
      if (status !== undefined && status >= 400 && status < 500) this.#spend(spent, groupId, -1);
    } catch (error) {
      // It was carried out all the same; its ticket stays used up, and is LOST after the next start.
      log.error({ err: error, groupId, ticket, status }, "guard.end_not_kept");
    }
    const kind = status === undefined ? "command.lost" : "command.answered";
    audit.record({ kind, ...describe(command, groupId), status, ticket }).catch((error: unknown) => {
      log.error({ err: error, groupId, ticket, status }, "audit.failed");
    });
    return answer;
  }

  async #spendingOf({ request, command, groupId, rules, upstream, signal }: Passage): Promise<Spending> {
    const { bytesRestored, ...certain } = effectsOf(request);
    const spending = certain as Spending;
    if (bytesRestored === undefined) return spending;
    const isCounted = rules.budgets.some(
      ({ kind, groups }) => kind === "bytesRestored" && (groups === undefined || groups.includes(groupId)),
    );
    if (!isCounted) return spending;
    if (bytesRestored !== "measure") return { ...spending, bytesRestored };
    return { ...spending, bytesRestored: await restoreSize(request, command.headers, upstream, signal) };
  }

  /** Given back to the minute in which it was spent, so that no later hour gains by it. */
  #spend({ spending, atMs }: Spent, groupId: string, factor: 1 | -1): void {
    if (Object.keys(spending).length > 0) this.spending.spend(spending, groupId, atMs, factor);
  }

  #note(
    kind: string,
    command: Command,
    groupId: string,
    more: { rule?: string; reason?: string; status?: number },
  ): void {
    this.#options.audit.note({ kind, ...describe(command, groupId), ...more });
  }
}

const ownDecision: Decision = {
  action: "deny",
  rule: "sallyport-on-premises",
  reason:
    "what is below /netbackup/sallyport/ is for the administrator on premises, but for a ticket's state",
  passed: [],
};

/** More of a path tells nobody anything; what is too long is denied. */
const maxToldCharacters = 2_048;

/** A body that streams by (`sallyport.v1`) can neither be looked at nor told from another one with the same ticket. */
function unreviewable({ rule }: Decision): AgentError {
  const message = `it needs approval ("${rule}"), and nobody can review a body that is that long or not text`;
  return new AgentError("forbidden", `The request was refused: ${message}.`);
}

function describe({ method, uri }: Command, groupId: string) {
  return { groupId, method, uri: redactUri(uri.slice(0, maxToldCharacters)) };
}

function headerNamed({ headers }: Command, name: string): string {
  return Object.keys(headers).find((one) => one.toLowerCase() === name) ?? name;
}
