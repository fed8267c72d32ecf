import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { GuardCounters } from "../guard/guard-counters.ts";
import { startGuarded } from "../testing/guarded-service.ts";
import { guardMetrics } from "./guard-metrics.ts";
import { startLoneAgent } from "./lone-agent.ts";
import { textOf } from "./metric.ts";

test("guard metrics - decisions by rule and outcome, tickets, budgets and audit", async () => {
  await using site = await startGuarded();
  await site.send("GET /netbackup/ping");
  await site.send("POST /netbackup/admin/jobs/1/cancel");
  await site.send("DELETE /netbackup/catalog/images/x");
  await site.send("GET /netbackup/%2e%2e/secret");
  await site.send("DELETE /netbackup/a", { headers: { "Sallyport-Ticket": "none" } });
  const text = guardMetrics(site.guard.figures()).map(textOf).join("");
  for (const line of [
    'guard_decisions_total{rule="reading",outcome="allowed"} 1',
    'guard_decisions_total{rule="images",outcome="held"} 1',
    'guard_decisions_total{rule="unclear-request",outcome="denied"} 1',
    'guard_refused_total{why="not_possible"} 1',
    'guard_refused_total{why="audit_failed"} 0',
    "guard_open_tickets 1",
    "guard_max_open_tickets 100",
    'guard_budget_spent{budget="jobs-cancelled-per-hour",kind="jobsCancelled"} 1',
    'guard_budget_most{budget="jobs-cancelled-per-hour",kind="jobsCancelled"} 20',
    "guard_rules_refused 0",
    "audit_failing 0",
  ]) {
    assert.ok(text.includes(`sallyport_agent_${line}\n`), `${line}\n${text}`);
  }
  assert.match(text, /^sallyport_agent_audit_entries_total [1-9]/m);
  assert.match(text, /^sallyport_agent_audit_checkpoint_age_seconds \d+$/m);
});

test("guard metrics - rules that come and go make no more series than a bound", () => {
  const counters = new GuardCounters();
  for (let n = 0; n < 2_000; n += 1) counters.count("denied", `rule-${n}`);
  assert.equal(counters.byRule.length, 501);
  const others = counters.byRule.find(({ rule }) => rule === "other rules");
  assert.deepEqual([others?.commands, counters.values.denied], [1_500, 2_000]);
});

test("agent's metrics - docs/metrics.md has each with its type and what it says, and no others", async () => {
  using folder = temporaryFolder();
  await using agent = await startLoneAgent({
    dataDir: join(folder.path, "agent"),
    upstream: { origin: "https://127.0.0.1:1", ca: [] },
    listen: { host: "127.0.0.1", port: 0 },
    monitoringListen: { host: "127.0.0.1", port: 0 },
    log: pino({ level: "silent" }),
  });
  const text = await (await fetch(`${agent.monitoringUrl}/metrics`)).text();
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/metrics.md"), "utf8");
  const told = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\w+)$/gm)]
    .map(([, name = "", help = "", type = ""]) => `| \`${name}\` | ${type} | ${help} |`)
    .sort((a, b) => a.localeCompare(b));
  assert.deepEqual(page.match(/^\| `sallyport_agent_.*$/gm), told);
});
