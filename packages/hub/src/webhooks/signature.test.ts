import assert from "node:assert/strict";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import { messageIdOf, newSecret, signedHeaders } from "./signature.ts";

// The example of the Standard Webhooks specification, "Signature scheme".
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const body = '{"test": 2432232314}';
const atMs = 1_614_265_330_000;

test("signature - is the one of the specification's example", () => {
  assert.deepEqual(signedHeaders({ id, atMs, body }, [secret]), {
    "webhook-id": id,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("signature - of several secrets is verified with each, and with no other", () => {
  const [first, second, other] = [newSecret(), newSecret(), newSecret()] as const;
  const headers = { ...signedHeaders({ id, atMs: Date.now(), body }, [first, second]) };
  for (const one of [first, second])
    assert.deepEqual(new Webhook(one).verify(body, headers), JSON.parse(body));
  assert.throws(() => new Webhook(other).verify(body, headers), /No matching signature/);
});

test("signature - there is none without a secret, or with what is none", () => {
  assert.throws(() => signedHeaders({ id, atMs, body }, []), TypeError);
  assert.throws(() => signedHeaders({ id, atMs, body }, ["whsec_"]), TypeError);
  assert.throws(() => signedHeaders({ id, atMs, body }, [secret.slice(6)]), TypeError);
});

test("signature - a message's id is the same each time and has no full stop, whatever the event's has", () => {
  assert.equal(messageIdOf("a.b.0"), messageIdOf("a.b.0"));
  assert.notEqual(messageIdOf("a.b.0"), messageIdOf("a.b.1"));
  assert.match(messageIdOf("p.ID\n.0.abc"), /^msg_[\w-]{27}$/);
});
