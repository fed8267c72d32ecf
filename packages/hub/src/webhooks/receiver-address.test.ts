import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@sallyport/nbwss/testing";
import { startReceiver } from "../testing/receiver.ts";
import { checkReceiverUrl, makeAddressRule, makeResolveName, receiverAddresses } from "./receiver-address.ts";
import { Sender } from "./sender.ts";

const strict = makeAddressRule([]);
const never = new AbortController().signal;

for (const [address, why] of [
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["0.0.0.0", "this host"],
  ["0.1.2.3", "this network"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.127.255.255", "carrier-grade NAT"],
  ["169.254.169.254", "metadata of a cloud"],
  ["192.0.0.1", "reserved"],
  ["192.0.2.1", "documentation"],
  ["198.18.0.1", "benchmarks"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["224.0.0.1", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "IPv4 in IPv6"],
  ["::ffff:10.0.0.1", "IPv4 in IPv6"],
  ["::ffff:a9fe:a9fe", "metadata, IPv4 in IPv6"],
  ["::127.0.0.1", "IPv4 in IPv6, the old way"],
  ["64:ff9b::7f00:1", "NAT64"],
  ["64:ff9b:1::a00:1", "NAT64 of a site"],
  ["2002:7f00:1::", "6to4"],
  ["2001::1", "Teredo"],
  ["2001:db8::1", "documentation"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with its zone"],
  ["fec0::1", "site-local"],
  ["fc00::1", "unique local"],
  ["fd00:ec2::254", "metadata of a cloud"],
  ["ff02::1", "multicast"],
  ["100::1", "discard only"],
  ["4000::1", "not given out yet"],
  ["no address", "no address"],
] as const) {
  test(`receiver address - ${address} is refused (${why})`, () => {
    assert.notEqual(strict.refuses(address), undefined);
  });
}

test("receiver address - public ones are taken, and those of allowed networks, IPv4 in IPv6 too", () => {
  for (const address of ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]) {
    assert.equal(strict.refuses(address), undefined, address);
  }
  const rule = makeAddressRule(["10.20.0.0/16", "fd00::/8", "192.168.7.7"]);
  for (const address of ["10.20.3.4", "::ffff:10.20.3.4", "fd12::1", "192.168.7.7"]) {
    assert.equal(rule.refuses(address), undefined, address);
  }
  for (const address of ["10.21.0.1", "fc00::1", "192.168.7.8", "127.0.0.1"]) {
    assert.notEqual(rule.refuses(address), undefined, address);
  }
  assert.throws(() => makeAddressRule(["10.20"]), { code: "bad_option" });
});

for (const [url, why] of [
  ["https://127.0.0.1/x", "not a public address"],
  ["https://2130706433/x", "not a public address"],
  ["https://0x7f.1/x", "not a public address"],
  ["https://0177.0.0.1/", "not a public address"],
  ["https://[::1]:8443/", "not a public address"],
  ["https://[::ffff:169.254.169.254]/", "not a public address"],
  ["https://169.254.169.254/latest/meta-data", "not a public address"],
  ["https://user:password@receiver.example/", "user or password"],
  ["https://receiver.example/#part", "fragment"],
  ["ftp://receiver.example/", "https"],
] as const) {
  test(`receiver address - the URL ${url} is refused`, () => {
    assert.throws(
      () => checkReceiverUrl(url, strict),
      (error: Error) => error.message.includes(why),
    );
  });
}

test("receiver address - a name with any address that is refused is refused, and http is for allowed networks", async () => {
  const resolve = (addresses: string[]) => () => Promise.resolve(addresses);
  const find = (url: string, addresses: string[], rule = strict) =>
    receiverAddresses(new URL(url), rule, resolve(addresses), never);
  assert.deepEqual(await find("https://a.example/", ["1.1.1.1", "2606:4700::1111"]), [
    "1.1.1.1",
    "2606:4700::1111",
  ]);
  for (const addresses of [
    ["1.1.1.1", "10.0.0.1"],
    ["::1", "1.1.1.1"],
    ["::ffff:127.0.0.1"],
    ["fe80::1%eth0"],
  ]) {
    await assert.rejects(find("https://a.example/", addresses), { code: "bad_request" });
  }
  await assert.rejects(find("https://a.example/", []), /has no address/);
  await assert.rejects(find("http://a.example/", ["1.1.1.1"]), /use https/);
  assert.deepEqual(await find("http://a.example/", ["10.0.0.1"], makeAddressRule(["10.0.0.0/8"])), [
    "10.0.0.1",
  ]);
});

test("receiver address - the address that is connected to is the one that was checked, whatever the name says later", async () => {
  await using receiver = await startReceiver();
  const { port } = new URL(receiver.url);
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  let asked = 0;
  using sender = new Sender({
    rule: makeAddressRule(["127.0.0.1"]),
    resolve: () => Promise.resolve(answers[asked++] ?? []),
    clock: new ManualClock(),
    timeoutMs: 60_000,
    maxAnswerBytes: 100,
    ca: receiver.ca,
  });
  const send = () =>
    sender.send({ url: `https://localhost:${port}/`, headers: {}, body: "{}", signal: never });
  assert.equal((await send()).status, 204);
  assert.equal(asked, 1);
  sender.close();
  // The second answer of the name is refused, and nothing reaches the receiver.
  const refused = await send();
  assert.match(refused.error ?? "", /127\.0\.0\.2 is not a public address/);
  assert.deepEqual([asked, receiver.requests.length], [2, 1]);
});

test("receiver address - names of the machine's hosts file are found, and a search can be called off", async () => {
  const resolve = makeResolveName(200);
  assert.ok(
    (await resolve("localhost", never)).some((address) => address === "127.0.0.1" || address === "::1"),
  );
  const controller = new AbortController();
  controller.abort(new Error("off"));
  await assert.rejects(resolve("localhost", controller.signal), /off/);
});
