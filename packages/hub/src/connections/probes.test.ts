import assert from "node:assert/strict";
import { test } from "node:test";
import { Probe, systemClock } from "@sallyport/nbwss";
import { HubFixture } from "../testing/hub-fixture.ts";
import { parseExposition } from "../testing/exposition.ts";

test("probes - beside a primary's connection, never instead of it; wrong tokens refused, bounded for each primary", async () => {
  await using fixture = await HubFixture.start({ limits: { maxProbesPerPrimary: 1 } });
  const primary = await fixture.enrol();
  const connection = await fixture.dial(primary);
  const { url, token } = primary.endpoint;
  const open = (wanted = token) => Probe.open({ url, token: wanted, tls: { ca: fixture.ca } });
  using probe = await open();
  const terms = { clock: systemClock, patienceMs: 60_000, signal: new AbortController().signal };
  assert.deepEqual(await probe.ask(1, terms), { kind: "answered" });
  await assert.rejects(open(), { code: "busy" });
  await assert.rejects(open("wrong-token-of-a-test"), { code: "token_refused" });
  assert.equal(connection.isOpen, true);
  const { text } = await fixture.call({ path: "/metrics" });
  const families = parseExposition(text);
  const valueOf = (name: string, label?: string) =>
    families
      .get(name)
      ?.samples.find(({ labels }) => label === undefined || Object.values(labels).includes(label))?.value;
  assert.equal(valueOf("sallyport_hub_probes"), 1);
  assert.equal(valueOf("sallyport_hub_probes_total", "accepted"), 1);
  assert.equal(valueOf("sallyport_hub_probes_total", "busy"), 1);
  assert.equal(valueOf("sallyport_hub_connects_total"), 1);
  assert.equal(valueOf("sallyport_hub_connections", "established"), 1);
});
