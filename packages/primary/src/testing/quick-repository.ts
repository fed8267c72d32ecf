import { createCipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** restic itself chooses a cost of half a second, which every one of its commands then pays. */
const cost = { N: 2, r: 8, p: 1 };
/** An irreducible polynomial of degree 53, which files are cut by. */
const polynomial = "3da3358b4dc173";

/**
 * Makes an empty repository of restic for a storage unit of a primary, as the primary's first use of it makes it, but with a key that
 * opens in no time. What is about making a repository starts on an empty folder instead.
 * Format: restic's design document, "Repository Format", "Keys, Encryption and MAC".
 * @param repository its folder; that of the default storage unit by default
 */
export function makeQuickRepository(
  dataDir: string,
  storageUnit = "stu_local",
  repository = join(dataDir, "storage", storageUnit, "repository"),
): void {
  const unit = join(dataDir, "storage", storageUnit);
  mkdirSync(unit, { recursive: true, mode: 0o700 });
  for (const name of ["data", "index", "keys", "locks", "snapshots"]) {
    mkdirSync(join(repository, name), { recursive: true, mode: 0o700 });
  }
  const password = randomBytes(32).toString("hex");
  const salt = randomBytes(64);
  const master = randomBytes(64);
  const [encrypt, k, r] = splitKey(master).map((part) => part.toString("base64"));
  const key = JSON.stringify({
    created: new Date().toISOString(),
    username: "tests",
    hostname: "tests",
    kdf: "scrypt",
    ...cost,
    salt: salt.toString("base64"),
    data: sealed(scryptSync(password, salt, 64, cost), JSON.stringify({ mac: { k, r }, encrypt })).toString(
      "base64",
    ),
  });
  const config = {
    version: 2,
    id: randomBytes(32).toString("hex"),
    chunker_polynomial: polynomial,
  };
  writeFileSync(join(unit, "password"), `${password}\n`, { mode: 0o600 });
  writeFileSync(join(repository, "keys", createHash("sha256").update(key).digest("hex")), key);
  writeFileSync(join(repository, "config"), sealed(master, JSON.stringify(config)));
}

/** The keys for AES-256, for the AES-128 of the nonce, and for Poly1305. */
function splitKey(key: Buffer): [encrypt: Buffer, k: Buffer, r: Buffer] {
  return [key.subarray(0, 32), key.subarray(32, 48), key.subarray(48, 64)];
}

/** IV, AES-256-CTR, Poly1305-AES of the ciphertext. */
function sealed(key: Buffer, text: string): Buffer {
  const [encrypt, k, r] = splitKey(key);
  const iv = randomBytes(16);
  const body = createCipheriv("aes-256-ctr", encrypt, iv).update(text);
  const pad = createCipheriv("aes-128-ecb", k, null).update(iv);
  return Buffer.concat([iv, body, poly1305(body, r, pad)]);
}

const prime = 2n ** 130n - 5n;

/** Poly1305 (RFC 8439, 2.5.1) with `r` and the pad `s` given. */
function poly1305(message: Buffer, r: Buffer, s: Buffer): Buffer {
  const clamped = littleEndian(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16);
    sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * clamped) % prime;
  }
  const tag = (sum + littleEndian(s)) & ((1n << 128n) - 1n);
  return Buffer.from(Buffer.from(tag.toString(16).padStart(32, "0"), "hex").toReversed());
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);
}
