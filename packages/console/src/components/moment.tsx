import { Text, Tooltip } from "@mantine/core";
import { exactTime, relativeTime } from "../relative-time.ts";
import { useNow } from "./now.ts";

/** A moment as people say it ("3 minutes ago"), with the exact one on hover and on keyboard focus. */
export function Moment({ iso, missing = "–" }: { iso: string | null; missing?: string }) {
  const now = useNow();
  if (iso === null) {
    return (
      <Text span inherit c="dimmed">
        {missing}
      </Text>
    );
  }
  const moment = Date.parse(iso);
  const exact = exactTime(moment);
  return (
    <Tooltip label={exact} events={{ hover: true, focus: true, touch: true }} withArrow>
      {/* Focusable, because the tooltip has to be within reach of the keyboard as well. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <time className="moment" dateTime={iso} tabIndex={0}>
        {relativeTime(moment, now)}
      </time>
    </Tooltip>
  );
}
