import { Select } from "@mantine/core";

const hourMs = 3_600_000;

/** How long what is replaced is good beside the new one unless said, ms as text. */
export const defaultOverlap = String(24 * hourMs);

interface OverlapSelectProps {
  label: string;
  /** What no overlap means. */
  none: string;
  /** ms, as text. */
  value: string;
  onChange: (value: string) => void;
}

/** Asks how long a token or secret that is replaced is good beside the new one. */
export function OverlapSelect({ label, none, value, onChange }: OverlapSelectProps) {
  return (
    <Select
      label={label}
      data={[
        { value: defaultOverlap, label: "for a day more" },
        { value: String(hourMs), label: "for an hour more" },
        { value: String(7 * 24 * hourMs), label: "for a week more" },
        { value: "0", label: none },
      ]}
      value={value}
      onChange={(chosen) => onChange(chosen ?? defaultOverlap)}
      allowDeselect={false}
      data-autofocus
    />
  );
}
