import assert from "node:assert/strict";
import { test } from "node:test";
import { proxyFor } from "./proxy.ts";

const HTTPS_PROXY = "http://proxy.example:3128";
const isDirect = (host: string, NO_PROXY: string) =>
  proxyFor(new URL(`wss://${host}/nbwss`), { HTTPS_PROXY, NO_PROXY }) === undefined;

test("proxy - NO_PROXY by name, suffix, port, address and network", () => {
  const direct: [host: string, entries: string][] = [
    ["hub.example", "hub.example"],
    ["HUB.example", "Hub.Example."],
    ["hub.example.", "hub.example"],
    ["a.hub.example", "hub.example"],
    ["a.hub.example", ".hub.example"],
    ["hub.example", ".hub.example"],
    ["a.hub.example", "*.hub.example"],
    ["hub.example", "*"],
    ["hub.example", "other.example,  hub.example"],
    ["hub.example", "other.example hub.example"],
    ["hub.example", "hub.example:443"],
    ["hub.example:8443", "hub.example:8443"],
    ["10.1.2.3", "10.1.2.3"],
    ["10.1.2.3:8443", "10.1.2.3:8443"],
    ["10.1.2.3", "10.0.0.0/8"],
    ["192.168.1.9", "192.168.1.8/31"],
    ["[fd00::1]", "fd00::1"],
    ["[fd00::1]", "[fd00:0:0::1]"],
    ["[fd00::1]:8443", "[fd00::1]:8443"],
    ["[fd00::1]", "fd00::/8"],
    ["10.1.2.3", "0.0.0.0/0"],
  ];
  for (const [host, entries] of direct) assert.ok(isDirect(host, entries), `${host} with ${entries}`);
  const proxied: [host: string, entries: string][] = [
    ["hub.example", ""],
    ["hub.example", ", ,"],
    ["hub.example", "."],
    ["nothub.example", "hub.example"],
    ["hub.example", "a.hub.example"],
    ["hub.example", "hub.example:8443"],
    ["hub.example:8443", "hub.example:443"],
    ["10.1.2.3", "10.1.2.4"],
    ["10.1.2.3", "2.3"],
    ["11.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "10.0.0.0/33"],
    ["10.1.2.3", "10.0.0.0/x"],
    ["10.1.2.3", "::/0"],
    ["[fd00::1]", "fc00::/8"],
    ["hub.example", "10.0.0.0/8"],
  ];
  for (const [host, entries] of proxied) assert.ok(!isDirect(host, entries), `${host} with ${entries}`);
});

test("proxy - without one everything is dialled directly", () => {
  const url = new URL("wss://hub.example/nbwss");
  assert.equal(proxyFor(url, undefined), undefined);
  assert.equal(proxyFor(url, { NO_PROXY: "*" }), undefined);
  assert.equal(proxyFor(url, { HTTPS_PROXY }), HTTPS_PROXY);
});
