import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Command } from "commander";
import { makeProgram } from "../packages/cli/src/program.ts";
import { temporaryFolder } from "./kit/folder.ts";
import { sallyport } from "./kit/sallyport.ts";
import { adminKey, password, Site } from "./kit/site.ts";

/** A command and all below it. */
function* withAllBelow(command: Command): Generator<Command> {
  yield command;
  for (const below of command.commands) yield* withAllBelow(below);
}

/** What `sallyport COMMAND --help` prints, made in this process as main.ts makes it in its own. */
async function helpOf(command: string[]): Promise<string> {
  const program = await makeProgram(command[0] ?? "--help");
  let printed = "";
  for (const one of withAllBelow(program)) one.configureOutput({ writeOut: (text) => (printed += text) });
  const ended = program.parseAsync([...command, "--help"], { from: "user" });
  await assert.rejects(ended, { code: "commander.helpDisplayed", exitCode: 0 }, command.join(" "));
  return printed;
}

/** The commands below one, as its help lists them. */
async function commandsBelow(command: string[]): Promise<string[][]> {
  const help = await helpOf(command);
  const name = ["sallyport", ...command].join(" ");
  assert.match(help, new RegExp(`^Usage: ${name}`), name);
  const [, list] = /\nCommands:\n(.*?)(?:\n\n|$)/s.exec(help) ?? [];
  if (list === undefined) {
    assert.match(help, /\nExamples?:\n {2}\$ /, `${name} has an example`);
    return [];
  }
  const below = [...list.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, word = ""]) => word);
  return below.filter((word) => word !== "help").map((word) => [...command, word]);
}

test("cli - every command has help, and every last one an example", async (t) => {
  let level: string[][] = [[]];
  let count = 0;
  while (level.length > 0) {
    count += level.length;
    level = (await Promise.all(level.map(commandsBelow))).flat();
  }
  t.diagnostic(`${count} commands`);
  assert.ok(count > 40, "the walk found them");
  // A process of its own prints the same.
  for (const command of [[], ["hub"], ["primaries", "rotate"]]) {
    const { code, stdout, stderr } = await sallyport([...command, "--help"]);
    assert.deepEqual([code, stderr, stdout], [0, "", await helpOf(command)], command.join(" "));
  }
});

const badConfig = join(import.meta.dirname, "fixtures", "bad-hub.yaml");
const keyFolder = temporaryFolder();
after(() => keyFolder[Symbol.dispose]());
const keyFile = join(keyFolder.path, "key");
writeFileSync(keyFile, "a-key", { mode: 0o600 });
const openKeyFile = join(keyFolder.path, "open-key");
writeFileSync(openKeyFile, "s3cret-for-all", { mode: 0o644 });
const refusals: [title: string, args: string[], said: RegExp][] = [
  ["an unknown command", ["primarie"], /Did you mean primaries/],
  ["no hub", ["primaries", "list"], /no hub is named: set SALLYPORT_HUB or give --hub/],
  [
    "no API key",
    ["primaries", "list", "--hub", "https://127.0.0.1:1"],
    /the API key is missing: set SALLYPORT_API_KEY/,
  ],
  [
    "a key that every user can read",
    ["primaries", "list", "--hub", "https://127.0.0.1:1", "--api-key-file", openKeyFile],
    /^sallyport: the API key is no secret: every user .*\(mode 0644\): chmod 600 [^\n]*open-key, [^\n]*\n$/,
  ],
  [
    "an agent's key that every user can read",
    ["agent", "--data", "/tmp/x", "--upstream", "https://127.0.0.1:1", "--api-key-file", openKeyFile],
    /the API key is no secret: .*chmod 600/,
  ],
  [
    "a TLS key that every user can read",
    ["hub", "--data", "/tmp/x", "--tls-cert", "/etc/hostname", "--tls-key", openKeyFile],
    /every user .*chmod 600 [^\n]*open-key/,
  ],
  [
    "a hub over http",
    ["primaries", "list", "--hub", "http://127.0.0.1:1", "--api-key-file", keyFile],
    /is no https:\/\/ URL/,
  ],
  [
    "a listening address without port",
    ["hub", "--data", "/tmp/x", "--listen", "localhost"],
    /--listen has to be HOST:PORT/,
  ],
  [
    "a CA file that is missing",
    ["primary", "--data", "/tmp/x", "--ca", "/nonexistent/ca.pem"],
    /the certificate file can't be read: .*\/nonexistent\/ca\.pem/,
  ],
  [
    "a fingerprint that can't be one, before anything is fetched,",
    ["endpoint", "add", "--url", "https://127.0.0.1:1/x", "--fingerprint", "AA:BB"],
    /--fingerprint has to be a SHA-256, 64 hexadecimal digits/,
  ],
  [
    "a status that is none",
    ["jobs", "list", "--status", "bogus"],
    /It has to be ok, partial, failed or a whole number/,
  ],
  [
    "an endpoint that nobody serves",
    ["conformance", "endpoint", "wss://127.0.0.1:1/nbwss", "--token-file", keyFile],
    /127\.0\.0\.1:1 can't be reached, nothing was tried/,
  ],
  [
    "an endpoint without wss",
    ["conformance", "endpoint", "https://127.0.0.1:1/nbwss", "--token-file", keyFile],
    /has to be wss:/,
  ],
  [
    "a CA file that is none",
    ["primary", "--data", "/tmp/x", "--ca", "/etc/hostname"],
    /holds no PEM certificate/,
  ],
  [
    "a certificate without its key",
    ["hub", "--data", "/tmp/x", "--tls-cert", "/etc/hostname"],
    /belong together/,
  ],
  [
    "a setting that does not exist",
    ["hub", "check-config", "--config", badConfig],
    /bad-hub\.yaml:2 there is no key "lsten"; did you mean "listen"\?/,
  ],
  ["a proxy for others", ["proxy", "p", "--listen", "0.0.0.0:1556"], /loopback only/],
  ["an unknown method", ["call", "p", "TRACE", "/ping"], /GET, POST, PUT, PATCH, DELETE/],
];
for (const [title, args, said] of refusals) {
  test(`cli - refuses ${title} with one line that says what to do, exit code 2`, async () => {
    const { code, stderr } = await sallyport(args, {
      SALLYPORT_HUB: "",
      SALLYPORT_API_KEY: "",
      SALLYPORT_PROFILE: "/nonexistent/profile.json",
    });
    assert.match(stderr, said);
    assert.equal(code, 2);
  });
}

test("cli - enrols, lists, calls and removes a primary, and administers its endpoints", async () => {
  await using site = await Site.start();

  const list = await site.cli(["primaries", "list"]);
  assert.match(list.stdout, /branch.*connected/s);
  const [primary] = JSON.parse((await site.cli(["primaries", "list", "--json"])).stdout) as {
    name: string;
  }[];
  assert.equal(primary?.name, "branch");

  const ping = await site.cli(["call", "branch", "GET", "/ping"], { SALLYPORT_PRIMARY_USER: "" });
  assert.match(ping.stdout, /^\d{13}\n$/, ping.stderr);
  const jobs = await site.cli(["call", "branch", "get", "/netbackup/admin/jobs?page[limit]=1"]);
  assert.deepEqual((JSON.parse(jobs.stdout) as { data: unknown }).data, []);
  const missing = await site.cli(["call", "branch", "GET", "/admin/jobs/999"]);
  assert.deepEqual([missing.code, missing.stderr.includes("the primary answered 404")], [1, true]);
  const unnamed = await site.cli(["call", "branch", "GET", "/admin/jobs"], { SALLYPORT_PRIMARY_USER: "" });
  assert.match(unnamed.stderr, /the primary answered 401: .*; here: --user NAME logs in first/);
  const taken = new URL(site.hub.url).host;
  const proxy = await site.cli(["proxy", "branch", "--listen", taken]);
  assert.match(
    proxy.stderr,
    /is in use by another process: stop that, or name another address with --listen/,
  );
  const labelled = await site.cli(["primaries", "list", "--label", "site=nowhere", "--json"]);
  assert.deepEqual(JSON.parse(labelled.stdout), []);
  const stranger = await site.cli(["call", "nobody", "GET", "/ping"]);
  assert.match(stranger.stderr, /the hub has no primary "nobody"/);

  const added = await site.cli(["primaries", "add", "second"]);
  assert.match(added.stdout, /works once, within an hour:\n {2}https:\/\/\S+/);
  const url = /https:\/\/\S+/.exec(added.stdout)?.[0] ?? "";
  const silent = await site.cli(["endpoint", "add", "--url", url]);
  assert.match(silent.stderr, /nobody can be asked here: give --fingerprint/);
  // That has not used the URL up; what somebody refuses has.
  const other = await site.cli(["endpoint", "add", "--url", url, "--fingerprint", "00".repeat(32)]);
  assert.match(other.stderr, /nothing was saved; the details URL is used up, ask for another/);
  const used = await site.cli(["endpoint", "validate", "--url", url]);
  assert.match(used.stderr, /a details URL works once/);
  assert.equal((await site.cli(["primaries", "add", "second"])).code, 1);

  const created = JSON.parse(
    (await site.cli(["primaries", "add", "third", "--json", "--group", "g2"])).stdout,
  ) as {
    endpoint: { hostName: string };
  };
  const file = join(site.dir, "endpoint.json");
  writeFileSync(file, JSON.stringify({ ...created.endpoint, hostName: "third.cloud.example" }));
  const shown = await site.cli(["endpoint", "validate", "--file", file]);
  assert.match(shown.stdout, /SHA-256 +([0-9A-F]{2}:){31}/);
  const fingerprint = /SHA-256 +(\S+)/.exec(shown.stdout)?.[1] ?? "";
  const wrong = await site.cli([
    "endpoint",
    "add",
    "--file",
    file,
    "--fingerprint",
    fingerprint.replaceAll("A", "B"),
  ]);
  assert.match(wrong.stderr, /not the one given by --fingerprint; nothing was saved/);
  const right = await site.cli(["endpoint", "add", "--file", file, "--fingerprint", fingerprint]);
  assert.match(right.stdout, /Saved third\.cloud\.example; it is ACTIVATED/);
  const endpoints = await site.cli(["endpoint", "list"]);
  assert.match(endpoints.stdout, /third\.cloud\.example/);
  assert.equal((await site.cli(["endpoint", "deactivate", "third.cloud.example"])).code, 0);
  assert.match((await site.cli(["endpoint", "remove", "third.cloud.example"])).stdout, /add --yes/);
  assert.equal((await site.cli(["endpoint", "remove", "third.cloud.example", "--yes"])).code, 0);
  const gone = await site.cli(["endpoint", "remove", "third.cloud.example"]);
  assert.deepEqual([gone.code, /no endpoint "third.cloud.example" is saved/.test(gone.stderr)], [1, true]);

  assert.match((await site.cli(["primaries", "remove", "third"])).stdout, /add --yes to do it/);
  assert.equal((await site.cli(["primaries", "remove", "third", "--yes"])).code, 0);

  for (const secret of [adminKey, password, site.token, ...secretsOf(url)]) {
    for (const line of [...site.hub.log, ...site.primary.log]) assert.ok(!line.includes(secret), line);
  }
});

function secretsOf(detailsUrl: string): string[] {
  return [detailsUrl.split("/").at(-1) ?? "missing"];
}
