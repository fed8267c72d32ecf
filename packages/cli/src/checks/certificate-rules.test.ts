import assert from "node:assert/strict";
import { test } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureServerCertificate } from "@sallyport/certificates";
import { chainCheck, namesCheck, readCertificates, validityCheck } from "./certificate-rules.ts";

const dayMs = 86_400_000;

/** Says where the certificate of its issuer is to be had, as those of public authorities do. */
const withIssuerAddress = `
-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUT4WrQ32dPbbuWiGg6J09Vby72eEwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwURXhhbXBsZSBJbnRlcm1lZGlhdGUwIBcNMjYxMTI4MDE1OTQ1
WhgPMjEyNjExMDQwMTU5NDVaMBYxFDASBgNVBAMMC2h1Yi5leGFtcGxlMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAEgMyQ3C6v0Y/fa4NeYnPZFeE+LFB3owgjcuEa
k1L0zcNur/3PrF//tDjQtTDpxmikRzInUziz9eUEPsf59b3laqN3MHUwMwYIKwYB
BQUHAQEEJzAlMCMGCCsGAQUFBzAChhdodHRwOi8vY2EuZXhhbXBsZS9pLmNlcjAd
BgNVHQ4EFgQUNxlNO95goD7c9HAk8um6XkfnwM0wHwYDVR0jBBgwFoAUUS7ygsvs
DZAIxHec2rxIZe+wAOIwCgYIKoZIzj0EAwIDSAAwRQIgL4n5Iw1gYw7A90LUhYs+
OaeJu2sjRxu9iCHl3Bc6qCMCIQDnCxHtA93gekBMVirTJmvLEIIXJAP4q66IVJo9
+ppjsw==
-----END CERTIFICATE-----
`;

async function makeCertificate(nowMs = Date.now()) {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-checks-"));
  try {
    const hostNames = ["hub.example", "127.0.0.1"];
    const { certPem, caPem } = await ensureServerCertificate({ dir, owner: "test", hostNames, nowMs });
    const [leaf, ca] = readCertificates(certPem + caPem);
    assert.ok(leaf !== undefined && ca !== undefined);
    return { leaf, ca };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("certificate - has to be valid now, and for two weeks more", async () => {
  const { leaf } = await makeCertificate();
  const endMs = leaf.validToDate.getTime();
  const state = (nowMs: number) => validityCheck(leaf, nowMs, false).state;
  assert.equal(state(leaf.validFromDate.getTime() - 1), "fail");
  assert.equal(state(leaf.validFromDate.getTime()), "pass");
  assert.equal(state(endMs - 14 * dayMs), "pass");
  assert.equal(state(endMs - 14 * dayMs + 1), "warn");
  assert.equal(state(endMs - 1), "warn");
  assert.equal(state(endMs), "fail");
});

test("certificate - has to name every host of the hub", async () => {
  const { leaf } = await makeCertificate();
  assert.equal(namesCheck(leaf, ["hub.example", "127.0.0.1"], false).state, "pass");
  const { state, found } = namesCheck(leaf, ["hub.example", "other.example", "::1"], false);
  assert.equal(state, "fail");
  assert.match(namesCheck(leaf, ["other.example"], true).todo ?? "", /restart the hub/);
  assert.match(found, /^it does not name other\.example, ::1, only .*hub\.example/);
});

test("certificate - its chain leads to an authority that systems know, or to one that has to be given", async () => {
  const { leaf, ca } = await makeCertificate();
  const { ca: other } = await makeCertificate();
  assert.equal(chainCheck([leaf, ca], [ca]).state, "pass");
  assert.equal(chainCheck([leaf], [other, ca]).state, "pass");
  assert.match(chainCheck([leaf, ca], [other]).todo ?? "", /as --ca/);
  assert.match(chainCheck([leaf], []).todo ?? "", /if CN=test authority is an intermediate, append/);
  assert.equal(chainCheck([leaf, other], [ca]).state, "fail");
  assert.equal(chainCheck([ca, leaf], [ca]).state, "fail");
  assert.equal(chainCheck([], []).state, "fail");
});

test("certificate - a missing intermediate is named with where it is to be had", () => {
  const { state, found, todo } = chainCheck(readCertificates(withIssuerAddress), []);
  assert.equal(state, "fail");
  assert.match(found, /CN=Example Intermediate is missing/);
  assert.match(todo ?? "", /http:\/\/ca\.example\/i\.cer/);
});
