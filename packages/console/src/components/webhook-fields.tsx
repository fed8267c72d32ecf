import { MultiSelect, TagsInput, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import type { WebhookWish } from "../api/webhooks.ts";
import { primaryNamesQuery } from "../api/primaries.ts";
import { toLabels, toPairs } from "../label-pairs.ts";
import { LabelScopeField } from "./access-fields.tsx";

/** A webhook as it is typed. */
export interface WebhookValues extends Omit<WebhookWish, "labels"> {
  labels: string[];
}

/** Beginnings of types that most people want. */
const commonTypes = [
  "netbackup.job",
  "netbackup.job.done",
  "netbackup.image",
  "sallyport.alert",
  "sallyport.connection",
  "sallyport.primary",
  "sallyport.command",
];

/** Choices that are shown of thousands; typing narrows them. */
const shownPrimaries = 50;

/** What the form begins with. */
export function valuesOf(wish: WebhookWish): WebhookValues {
  const { url, description, types, primaries, labels } = wish;
  return { url, description, types, primaries, labels: toPairs(labels) };
}

/** What such values stand for. */
export function wishOf({ labels, url, description, ...rest }: WebhookValues): WebhookWish {
  return { ...rest, url: url.trim(), description: description.trim(), labels: toLabels(labels) };
}

/** Why the hub would refuse an address; null when it may take it. */
export function addressFault(text: string): string | null {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  return url !== undefined && ["https:", "http:"].includes(url.protocol)
    ? null
    : "A whole address, such as https://ops.example/sallyport";
}

/** Where a webhook sends to, and which events. */
export function WebhookFields({ form }: { form: UseFormReturnType<WebhookValues> }) {
  const { data: names } = useQuery(primaryNamesQuery);
  const { primaries } = form.values;
  const choices = new Map(primaries.map((id) => [id, id]));
  for (const [id, name] of names ?? []) choices.set(id, name);
  return (
    <>
      <TextInput
        label="Address"
        description="Where each event is sent to, by POST over HTTPS."
        placeholder="https://ops.example/sallyport"
        required
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        maxLength={2_048}
        data-autofocus
        {...form.getInputProps("url")}
      />
      <TextInput
        label="What it is for"
        placeholder="the pager of the night shift"
        autoComplete="off"
        maxLength={256}
        {...form.getInputProps("description")}
      />
      <TagsInput
        label="Events"
        description="Types or their beginnings, then Enter; none for all events."
        data={commonTypes}
        clearButtonProps={{ "aria-label": "Remove all types" }}
        {...form.getInputProps("types")}
      />
      <LabelScopeField
        value={form.values.labels}
        onChange={(labels) => form.setFieldValue("labels", labels)}
      />
      <MultiSelect
        label="Only these primaries"
        description="None for all of them."
        data={[...choices].map(([value, label]) => ({ value, label }))}
        searchable
        limit={shownPrimaries}
        nothingFoundMessage="No primary has such a name"
        clearButtonProps={{ "aria-label": "Remove all primaries" }}
        {...form.getInputProps("primaries")}
      />
    </>
  );
}
