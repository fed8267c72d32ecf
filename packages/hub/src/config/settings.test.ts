import assert from "node:assert/strict";
import { test } from "node:test";
import { HubError } from "../errors.ts";
import { resolveSettings, type SettingsSources } from "./resolve-settings.ts";
import { hubSettings } from "./setting-list.ts";

const resolve = (sources: Partial<SettingsSources>) =>
  resolveSettings({ flags: { data: "/d" }, environment: {}, ...sources });
const file = (text: string) => ({ name: "/etc/sallyport/hub.yaml", text });

test("settings - a flag goes before the environment, that before the file, that before the default", () => {
  const flags = { data: "/flag", listen: "127.0.0.1:1" };
  const environment = { SALLYPORT_HUB_LISTEN: "127.0.0.1:2", SALLYPORT_HUB_LOG_LEVEL: "warn", HOME: "/root" };
  const text =
    "listen: 127.0.0.1:3\nlogLevel: error\npublicUrl: https://hub.example\nlimits:\n  maxSessions: 3\n";
  const { settings, origins } = resolve({ flags, environment, file: file(text) });
  assert.equal(settings.listen, "127.0.0.1:1");
  assert.equal(settings.logLevel, "warn");
  assert.equal(settings.publicUrl, "https://hub.example");
  assert.equal(settings.limits.maxSessions, 3);
  assert.equal(settings.limits.drainTimeoutMs, 10_000);
  assert.deepEqual(Object.fromEntries(origins), {
    data: "--data",
    listen: "--listen",
    logLevel: "SALLYPORT_HUB_LOG_LEVEL",
    publicUrl: "/etc/sallyport/hub.yaml:3",
    "limits.maxSessions": "/etc/sallyport/hub.yaml:5",
  });
});

test("settings - JSON is a configuration file too; paths in a file count from its folder, others stay", () => {
  const text = '{"tls":{"cert":"hub.pem","key":"/keys/hub.key"},\n "limits":{}}';
  const { settings } = resolve({ flags: { data: "here" }, file: file(text) });
  assert.deepEqual(settings.tls, { cert: "/etc/sallyport/hub.pem", key: "/keys/hub.key" });
  assert.equal(settings.data, "here");
});

test("settings - a limit can be given by flag and by variable", () => {
  const { settings, origins } = resolve({
    flags: { data: "/d", "limits.maxSessions": "7" },
    environment: { SALLYPORT_HUB_LIMITS_MAX_MESSAGE_BYTES: "1000" },
  });
  assert.deepEqual([settings.limits.maxSessions, settings.limits.maxMessageBytes], [7, 1000]);
  assert.equal(origins.get("limits.maxSessions"), "--limit maxSessions");
});

const at = (line: number) => `/etc/sallyport/hub.yaml:${line}`;
const refusals: [title: string, sources: Partial<SettingsSources>, said: string[]][] = [
  [
    "an unknown key",
    { file: file("\nlsten: x") },
    [`${at(2)} there is no key "lsten"; did you mean "listen"?`],
  ],
  [
    "an unknown key of a section",
    { file: file("tls:\n  crt: x") },
    [`${at(2)} there is no key "tls.crt"; did you mean "tls.cert"?`],
  ],
  ["a key that is like none", { file: file("completely: x") }, [`${at(1)} there is no key "completely"`]],
  ["a dotted key", { file: file("tls.cert: x") }, [`there is no key "tls/cert"; did you mean "tls.cert"?`]],
  [
    "an unknown variable",
    { environment: { SALLYPORT_HUB_LISTN: "x" } },
    [`SALLYPORT_HUB_LISTN is set, but there is no variable`, `did you mean "SALLYPORT_HUB_LISTEN"?`],
  ],
  ["no folder", { flags: {} }, ["--data, SALLYPORT_HUB_DATA or the key data has to name the folder"]],
  [
    "a wrong address, on each of its ways",
    {
      flags: { data: "/d", listen: "secret-value" },
      environment: { SALLYPORT_HUB_METRICS_LISTEN: "0.0.0.0:1" },
    },
    [
      "--listen has to be HOST:PORT",
      "SALLYPORT_HUB_METRICS_LISTEN metricsListen has to be a loopback address",
    ],
  ],
  [
    "a number that is none",
    { file: file("limits:\n  maxSessions: secret-value\n  maxHeldBodyBytes: 1.5") },
    [
      `${at(2)} limits.maxSessions has to be a whole number`,
      `${at(3)} limits.maxHeldBodyBytes has to be a whole`,
    ],
  ],
  [
    "a text where a section is",
    { file: file("tls: secret-value") },
    [`${at(1)} tls has to hold keys and values`],
  ],
  ["a section where a text is", { file: file("listen:\n  a: 1") }, [`${at(1)} listen has to be HOST:PORT`]],
  ["a list as file", { file: file("- a") }, [`${at(1)} the file has to hold keys and values`]],
  [
    "half a TLS pair",
    { file: file("tls:\n  cert: a.pem") },
    ["tls (--tls-cert and --tls-key) belong together"],
  ],
  [
    "a key that stands twice",
    { file: file("listen: 127.0.0.1:1\nlisten: x") },
    [`${at(2)} has a key that stands there already`],
  ],
  ["broken YAML", { file: file('data: "secret-value') }, [`${at(1)} is not YAML or JSON`]],
  ["an alias", { file: file("data: &a /x\npublicUrl: *a") }, [`${at(2)} publicUrl has to be written out`]],
  [
    "an address with a path",
    { flags: { data: "/d", publicUrl: "https://u:secret-value@hub/x" } },
    ["--public-url has to be https://HOST[:PORT] without a path"],
  ],
];
for (const [title, sources, said] of refusals) {
  test(`settings - refuse ${title} and say where, without repeating the value`, () => {
    assert.throws(
      () => resolve(sources),
      (error) => {
        assert.ok(error instanceof HubError && error.code === "bad_setting");
        for (const part of said) assert.ok(error.message.includes(part), error.message);
        assert.ok(!error.message.includes("secret-value"));
        return true;
      },
    );
  });
}

test("settings - bear the variables that Kubernetes makes for a service, and empty ones", () => {
  const environment = {
    SALLYPORT_HUB_SERVICE_HOST: "10.0.0.1",
    SALLYPORT_HUB_SERVICE_PORT_HTTPS: "8443",
    SALLYPORT_HUB_PORT: "tcp://10.0.0.1:8443",
    SALLYPORT_HUB_PORT_8443_TCP_ADDR: "10.0.0.1",
    SALLYPORT_HUB_LISTEN: "",
  };
  assert.equal(resolve({ environment }).settings.listen, "127.0.0.1:8443");
});

test("settings - none has a name for a secret that is not a file", () => {
  for (const { path, isPath } of hubSettings) {
    if (path.startsWith("limits.")) continue;
    assert.ok(isPath || !/key|secret|password|token|credential/i.test(path), path);
  }
});
