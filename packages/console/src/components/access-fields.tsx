import type { ApiKey } from "@sallyport/hub";
import { Select, TagsInput } from "@mantine/core";
import { useState } from "react";
import { labelFault, toLabels, toPairs } from "../label-pairs.ts";
import type { Role } from "../roles.ts";

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

interface LabelsFieldProps {
  label: string;
  description: string;
  value: string[];
  onChange: (pairs: string[]) => void;
}

/** Labels, typed as NAME=VALUE; what is none is refused with the reason. */
export function LabelsField({ label, description, value, onChange }: LabelsFieldProps) {
  const [fault, setFault] = useState<string | null>(null);
  return (
    <TagsInput
      label={label}
      description={description}
      value={value}
      onChange={(pairs) => {
        const wrong = pairs.map(labelFault).find((reason) => reason !== null) ?? null;
        setFault(wrong);
        // Of one name the last value counts, as the hub keeps only one.
        onChange(toPairs(toLabels(pairs.filter((pair) => labelFault(pair) === null))));
      }}
      error={fault}
      clearButtonProps={{ "aria-label": "Remove all labels" }}
    />
  );
}

/** Chooses the primaries by their labels; none for all. */
export function LabelScopeField(props: Pick<LabelsFieldProps, "value" | "onChange">) {
  return (
    <LabelsField
      label="Only primaries with these labels"
      description="NAME=VALUE, then Enter; none for all primaries."
      {...props}
    />
  );
}

/** The scope that such pairs stand for. */
export function scopeOfPairs(pairs: readonly string[]): Scope {
  return pairs.length === 0 ? { kind: "all" } : { kind: "labels", labels: toLabels(pairs) };
}

/** A scope in a few words. */
export function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case "all":
      return "all primaries";
    case "labels":
      return toPairs(scope.labels).join(", ");
    case "primaries":
      return `${scope.ids.length} ${scope.ids.length === 1 ? "primary" : "primaries"}`;
  }
}
