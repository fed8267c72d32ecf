import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useEffect, useRef, type ReactNode } from "react";
import { CheckIcon, CopyIcon, WarningIcon } from "./icons.tsx";

interface SecretOnceProps {
  label: string;
  secret: string;
  /** What it is good for, and what to do when it is lost. */
  children: ReactNode;
  onDone: () => void;
}

/** Shows a secret the one time that it can be read, ready to be copied. */
export function SecretOnce({ label, secret, children, onDone }: SecretOnceProps) {
  const clipboard = useClipboard({ timeout: 5_000 });
  const field = useRef<HTMLInputElement>(null);
  // The button that had the focus is gone with its form.
  useEffect(() => field.current?.focus(), []);
  return (
    <Stack>
      <Group align="flex-end" gap="sm">
        <TextInput
          ref={field}
          label={label}
          value={secret}
          readOnly
          onFocus={(event) => event.currentTarget.select()}
          flex="1 1 16rem"
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        />
        <Button
          leftSection={clipboard.copied ? <CheckIcon /> : <CopyIcon />}
          onClick={() => clipboard.copy(secret)}
        >
          {clipboard.copied ? "Copied" : "Copy"}
        </Button>
      </Group>
      <Text size="sm" component="output">
        {clipboard.copied ? "It is on the clipboard." : ""}
        {clipboard.error === null
          ? ""
          : "This browser does not let the page copy: select it and copy it yourself."}
      </Text>
      <Alert color="yellow" icon={<WarningIcon />} title="It is shown this once">
        {children}
      </Alert>
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
