import assert from "node:assert/strict";
import { test } from "node:test";
import { makeRemoteAddressOf, throttleKeyOf } from "./remote-address.ts";

const trusted = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];

for (const [what, socket, forwarded, expected, proxies = trusted] of [
  ["is the socket's when no proxy is trusted", "10.0.0.1", "203.0.113.9", "10.0.0.1", []],
  ["is the socket's when that is no trusted proxy", "203.0.113.1", "10.0.0.9", "203.0.113.1"],
  ["is what a trusted proxy was called from", "10.0.0.1", "203.0.113.9", "203.0.113.9"],
  ["knows IPv4 inside IPv6", "::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"],
  ["skips proxies that are trusted", "10.0.0.1", "203.0.113.9, 192.0.2.7, 2001:db8::5", "203.0.113.9"],
  ["does not believe what stands before it", "10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"],
  ["reads ports", "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"],
  ["reads IPv6 with port", "192.0.2.7", "[2001:dead::1]:4711", "2001:dead::1"],
  ["is the proxy's when nothing was added", "10.0.0.1", undefined, "10.0.0.1"],
  ["stops at what is no address", "10.0.0.1", "203.0.113.9, evil\n, 10.0.0.2", "10.0.0.2"],
  ["takes no shortened address", "10.0.0.1", "203.9", "10.0.0.1"],
  ["is unknown when the socket is gone", undefined, "203.0.113.9", "unknown"],
] as const) {
  test(`remote address - ${what}`, () => {
    const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
    assert.equal(makeRemoteAddressOf(proxies)({ headers, socket: { remoteAddress: socket } }), expected);
  });
}

test("remote address - refuses a proxy that is no address", () => {
  for (const wrong of ["proxy.example", "10.0.0.0/33", "10.1", ""]) {
    assert.throws(() => makeRemoteAddressOf([wrong]), { code: "bad_option" }, wrong);
  }
});

test("remote address - counts an IPv6 network of 64 bits as one", () => {
  assert.equal(throttleKeyOf("2001:db8:1:2:3:4:5:6"), throttleKeyOf("2001:db8:1:2::1"));
  assert.notEqual(throttleKeyOf("2001:db8:1:3::1"), throttleKeyOf("2001:db8:1:2::1"));
  assert.equal(throttleKeyOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(throttleKeyOf("unknown"), "unknown");
});
