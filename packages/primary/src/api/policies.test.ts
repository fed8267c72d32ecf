import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after, before } from "node:test";
import {
  clientName,
  policyBody,
  startTestPrimary,
  temporaryFolder,
  type TestPrimary,
} from "../testing/test-primary.ts";

type Json = Record<string, unknown>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let primary: TestPrimary;

before(async () => {
  folder = await temporaryFolder();
  primary = await startTestPrimary(join(folder.path, "data"));
});
after(async () => {
  await primary[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const policies = "/config/policies";
interface Shown {
  data: { attributes: { policy: Json & { schedules: Json[]; clients: Json[]; policyAttributes: Json } } };
}
async function show(name: string) {
  const answer = await primary.expect(200, `${policies}/${name}`);
  return { etag: answer.headers["etag"], policy: (answer.body as Shown).data.attributes.policy };
}
const if_ = (etag: string) => ({ headers: { "if-match": etag } });
const schedule = (rest: object = {}) => ({
  data: {
    type: "schedule",
    id: "x",
    attributes: {
      scheduleType: "Calendar",
      backupType: "Full Backup",
      acceleratorForcedRescan: false,
      backupCopies: {
        priority: -1,
        copies: [
          {
            storage: null,
            volumePool: null,
            failStrategy: null,
            retentionPeriod: { value: 2, unit: "WEEKS" },
          },
        ],
      },
      frequencySeconds: 604_800,
      includeDates: {
        lastDayOfMonth: true,
        recurringDaysOfMonth: [1],
        recurringDaysOfWeek: ["4:6"],
        specificDates: ["2026-1-31"],
      },
      mediaMultiplexing: 1,
      retriesAllowedAfterRunDay: false,
      snapshotOnly: false,
      startWindow: [1, 2, 3, 4, 5, 6, 7].map((dayOfWeek) => ({
        dayOfWeek,
        startSeconds: 0,
        durationSeconds: 3600,
      })),
      syntheticBackup: false,
      storageIsSLP: false,
      ...rest,
    },
  },
});

test("policies - a whole policy is replaced, with defaults for what is left out, if nobody has changed it meanwhile", async () => {
  await primary.createPolicy("replaced", ["/a"]);
  assert.equal((await show("replaced")).etag, "1");
  const body = policyBody("replaced", ["/b"]);
  const put = `PUT ${policies}/replaced`;
  const answer = await primary.expect(204, put, { body, ...if_('"1"') });
  assert.equal(answer.headers["etag"], "2");
  await primary.expect(412, put, { body, ...if_("1") });
  const minimal = { policyName: "replaced", policyType: "Standard", clients: [] };
  await primary.expect(204, put, { body: { data: { type: "policy", attributes: { policy: minimal } } } });
  const { etag, policy } = await show("replaced");
  assert.equal(etag, "3");
  assert.deepEqual([policy["backupSelections"], policy.schedules], [{ selections: [] }, []]);
  assert.deepEqual(policy.policyAttributes, { active: true, generationId: 3 });
  await primary.expect(400, put, { body: policyBody("other", []) });
  await primary.expect(404, `PUT ${policies}/missing`, { body: policyBody("missing", []) });
  await primary.expect(400, put, { body: policyBody("replaced", ["relative"]) });
});

test("policies - attributes are patched one by one", async () => {
  await primary.createPolicy("patched", ["/a"]);
  const patch = (policyAttributes: object) => ({
    body: {
      data: { type: "patchPolicyRequest", id: "patched", attributes: { policy: { policyAttributes } } },
    },
  });
  const answer = await primary.expect(204, `PATCH ${policies}/patched`, patch({ active: false }));
  assert.equal(answer.headers["etag"], "2");
  const { policy } = await show("patched");
  assert.equal(policy.policyAttributes["active"], false);
  assert.equal(policy.policyAttributes["jobLimit"], 2147483647);
  await primary.expect(400, `PATCH ${policies}/patched`, patch({ active: "no" }));
  await primary.expect(400, `PATCH ${policies}/patched`, patch({ storage: "stu9" }));
  await primary.expect(404, `PATCH ${policies}/missing`, patch({ active: true }));
  const manual = { data: { type: "backupRequest", attributes: { policyName: "patched" } } };
  await primary.expect(400, "POST /admin/manual-backup", { body: manual });
});

test("policies - are copied whole, as new ones", async () => {
  await primary.createPolicy("original", ["/a"]);
  const copy = (id: string) => ({ body: { data: { type: "copyPolicyRequest", id } } });
  const answer = await primary.expect(204, `POST ${policies}/original/copy`, copy("copied"));
  assert.equal(answer.headers["location"], "/netbackup/config/policies/copied");
  const [first, second] = [await show("original"), await show("copied")];
  assert.equal(second.etag, "1");
  assert.deepEqual({ ...second.policy, policyName: "original" }, first.policy);
  await primary.expect(409, `POST ${policies}/original/copy`, copy("copied"));
  await primary.expect(404, `POST ${policies}/missing/copy`, copy("x"));
  await primary.expect(400, `POST ${policies}/original/copy`, copy("a/b"));
});

test("policies - clients, schedules and selections change the generation, in the sequence of NetBackup's own samples", async () => {
  const body = {
    data: { type: "policy", attributes: { policy: { policyName: "parts", policyType: "Standard" } } },
  };
  await primary.expect(204, `POST ${policies}`, { body });
  const client = (rest: object = {}) => ({
    body: {
      data: { type: "client", attributes: { hardware: "Linux", OS: "Linux", hostName: clientName, ...rest } },
    },
  });
  const at = `${policies}/parts`;
  const added = await primary.expect(201, `PUT ${at}/clients/${clientName}`, { ...client(), ...if_("1") });
  assert.equal(added.headers["etag"], "2");
  await primary.expect(412, `PUT ${at}/clients/${clientName}`, { ...client(), ...if_("1") });
  await primary.expect(204, `PUT ${at}/clients/${clientName}`, client({ OS: "Debian" }));
  await primary.expect(400, `PUT ${at}/clients/other.example`, client());
  const made = await primary.expect(201, `PUT ${at}/schedules/full`, { body: schedule(), ...if_("3") });
  assert.equal(made.headers["etag"], "4");
  await primary.expect(204, `PUT ${at}/schedules/full`, { body: schedule({ frequencySeconds: 1 }) });
  await primary.expect(400, `PUT ${at}/schedules/full`, {
    body: schedule({ startWindow: [{ dayOfWeek: 8 }] }),
  });
  await primary.expect(400, `PUT ${at}/schedules/a%2Fb`, { body: schedule() });
  const selections = { data: { type: "backupSelection", attributes: { selections: ["/etc", "/home"] } } };
  const set = await primary.expect(204, `PUT ${at}/backupselections`, { body: selections });
  assert.equal(set.headers["etag"], "6");
  const { policy } = await show("parts");
  assert.deepEqual(policy["backupSelections"], { selections: ["/etc", "/home"] });
  assert.equal(policy.schedules[0]?.["frequencySeconds"], 1);
  assert.deepEqual(policy.clients, [{ hostName: clientName, OS: "Debian", hardware: "Linux" }]);

  await primary.expect(412, `DELETE ${at}/schedules/full`, if_("1"));
  await primary.expect(204, `DELETE ${at}/schedules/full`, if_("6"));
  await primary.expect(404, `DELETE ${at}/schedules/full`);
  await primary.expect(204, `DELETE ${at}/clients/${clientName}`);
  await primary.expect(404, `DELETE ${at}/clients/${clientName}`);
  const last = await primary.expect(204, `DELETE ${at}/backupselections`);
  assert.equal(last.headers["etag"], "9");
  await primary.expect(404, `PUT ${policies}/missing/backupselections`, { body: selections });
});

test("policies - are filtered and sorted", async () => {
  const names = async (query: string) => {
    const answer = await primary.expect(200, `${policies}?${query}`);
    return (answer.body as { data: { id: string }[] }).data.map(({ id }) => id);
  };
  await primary.createPolicy("find-1", ["/a"]);
  await primary.createPolicy("find-2", ["/a"]);
  assert.deepEqual(await names("filter=contains(policyName,'find-')&sort=-policyName"), ["find-2", "find-1"]);
  assert.deepEqual(await names("filter=policyName+eq+'find-1'+and+active+eq+true"), ["find-1"]);
  assert.deepEqual(await names("filter=policyType+eq+'VMware'"), []);
  await primary.expect(400, `${policies}?filter=definition+eq+'x'`);
});
