import { Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import type { ReactNode } from "react";

/** How long after the last key a typed filter is applied, ms. */
const typingPauseMs = 300;

interface TextFilterProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
}

/** A filter that is typed; applied when the typing pauses. */
export function TextFilter({ label, value, onChange, placeholder }: TextFilterProps) {
  const apply = useDebouncedCallback((typed: string) => onChange(typed.trim()), typingPauseMs);
  return (
    <TextInput
      // A filter that was cleared from outside begins anew.
      key={value === "" ? "empty" : "set"}
      type="search"
      label={label}
      size="xs"
      defaultValue={value}
      onChange={(event) => apply(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
      flex="1 1 10rem"
      maw="14rem"
      {...(placeholder === undefined ? {} : { placeholder })}
    />
  );
}

interface ChoiceFilterProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  choices: readonly { value: string; label: string }[];
  /** What it is when nothing is chosen. */
  none?: string;
}

/** A filter with a few values, or none of them. */
export function ChoiceFilter({ label, value, onChange, choices, none = "All" }: ChoiceFilterProps) {
  return (
    <Select
      label={label}
      size="xs"
      value={value === "" ? null : value}
      onChange={(chosen) => onChange(chosen ?? "")}
      data={[...choices]}
      placeholder={none}
      clearable
      clearButtonProps={{ "aria-label": `${label}: ${none}` }}
      flex="1 1 10rem"
      maw="12rem"
      comboboxProps={{ withinPortal: true }}
    />
  );
}

/** The filters above a list, in one row as far as there is room. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <Group component="search" gap="sm" align="flex-end">
      {children}
    </Group>
  );
}
