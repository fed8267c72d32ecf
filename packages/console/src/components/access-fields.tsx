import type { ApiKey } from "@sallyport/hub";
import { Select, TagsInput } from "@mantine/core";

/** What somebody may do. */
export type Role = ApiKey["role"];
/** With which primaries. */
export type Scope = ApiKey["scope"];

const roleTexts: Record<Role, string> = {
  viewer: "viewer: looks",
  operator: "operator: also works with the primaries",
  administrator: "administrator: also changes the hub",
};
const roles = Object.keys(roleTexts) as Role[];

/** Chooses a role. */
export function RoleField({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  return (
    <Select
      label="Role"
      value={value}
      onChange={(chosen) => {
        const role = roles.find((name) => name === chosen);
        if (role !== undefined) onChange(role);
      }}
      data={roles.map((role) => ({ value: role, label: roleTexts[role] }))}
      allowDeselect={false}
    />
  );
}

/** Chooses the primaries by their labels; none for all. */
export function LabelScopeField({
  value,
  onChange,
}: {
  value: string[];
  onChange: (pairs: string[]) => void;
}) {
  return (
    <TagsInput
      label="Only primaries with these labels"
      description="NAME=VALUE, then Enter; none for all primaries."
      value={value}
      onChange={(pairs) => onChange(pairs.filter((pair) => /^[\w.-]{1,64}=/.test(pair)))}
    />
  );
}

/** The scope that such pairs stand for. */
export function scopeOfPairs(pairs: readonly string[]): Scope {
  if (pairs.length === 0) return { kind: "all" };
  return {
    kind: "labels",
    labels: Object.fromEntries(
      pairs.map((pair) => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    ),
  };
}

/** A scope in a few words. */
export function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case "all":
      return "all primaries";
    case "labels":
      return Object.entries(scope.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(", ");
    case "primaries":
      return `${scope.ids.length} ${scope.ids.length === 1 ? "primary" : "primaries"}`;
  }
}
