import type { VersionedPolicy } from "../policies/policy.ts";

/** A policy in a list: its attributes without its parts. */
export function policyListItem(found: VersionedPolicy) {
  const { policy } = found;
  return {
    type: "policy",
    id: policy.policyName,
    links: linksTo(policy.policyName),
    attributes: { policyType: policy.policyType, ...attributesOf(found) },
  };
}

/** A whole policy. */
export function policyResource(found: VersionedPolicy) {
  const { policy } = found;
  return {
    type: "policy",
    id: policy.policyName,
    links: linksTo(policy.policyName),
    attributes: {
      policy: withoutNulls({ ...policy, policyAttributes: attributesOf(found) }),
    },
  };
}

function attributesOf({ policy, generation }: VersionedPolicy) {
  return {
    ...withoutNulls(policy.policyAttributes),
    active: policy.policyAttributes.active ?? true,
    generationId: generation,
  };
}

function linksTo(name: string) {
  return { self: { href: `/config/policies/${encodeURIComponent(name)}` } };
}

/** Clients send null for "the default"; the documented answers have no null. */
function withoutNulls(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => (part === null ? undefined : part)),
  ) as object;
}
