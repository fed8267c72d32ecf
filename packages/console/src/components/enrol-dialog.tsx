import { Alert, Button, Code, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { enrolPrimary, primariesQuery } from "../api/primaries.ts";
import type { NewlyEnrolled } from "../api/primaries.ts";
import { Failure } from "./failure.tsx";
import { CheckIcon, CopyIcon, WarningIcon } from "./icons.tsx";

interface EnrolDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Enrols a primary and shows, this once, the address from which it learns its endpoint. */
export function EnrolDialog({ opened, onClose }: EnrolDialogProps) {
  const [name, setName] = useState("");
  const enrol = useMutation({
    mutationFn: enrolPrimary,
    // The address is a secret as long as it works: it leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_primary, _name, _result, { client }) =>
      client.invalidateQueries({ queryKey: primariesQuery.queryKey }),
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        enrol.reset();
        setName("");
      }}
      title={enrol.isSuccess ? `${enrol.data.name} is enrolled` : "Enrol a primary"}
      size="lg"
      // What cannot be shown again does not vanish by a click beside it.
      closeOnClickOutside={!enrol.isSuccess && !enrol.isPending}
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      {enrol.isSuccess ? (
        <DetailsAddress primary={enrol.data} onClose={onClose} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enrol.mutate(name.trim());
          }}
        >
          <Stack>
            <TextInput
              label="Name"
              description="How people will know this backup server, for example nbu-berlin-01."
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              maxLength={128}
              required
              data-autofocus
            />
            {enrol.isError ? <Failure title="The primary was not enrolled" error={enrol.error} /> : null}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={enrol.isPending} disabled={name.trim() === ""}>
                Enrol
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function DetailsAddress({ primary, onClose }: { primary: NewlyEnrolled; onClose: () => void }) {
  const clipboard = useClipboard({ timeout: 5_000 });
  const address = useRef<HTMLInputElement>(null);
  // The button that had the focus is gone with its form.
  useEffect(() => address.current?.focus(), []);
  return (
    <Stack>
      <Text>
        Add an endpoint on the primary with the details from this address: by{" "}
        <Code>sallyport endpoint add</Code> with Sallyport, or by filling in what it answers in NetBackup.
      </Text>
      <Group align="flex-end" gap="sm">
        <TextInput
          ref={address}
          label="Details address"
          value={primary.detailsUrl}
          readOnly
          onFocus={(event) => event.currentTarget.select()}
          flex="1 1 16rem"
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        />
        <Button
          leftSection={clipboard.copied ? <CheckIcon /> : <CopyIcon />}
          onClick={() => clipboard.copy(primary.detailsUrl)}
        >
          {clipboard.copied ? "Copied" : "Copy"}
        </Button>
      </Group>
      <Text size="sm" component="output">
        {clipboard.copied ? "The address is on the clipboard." : ""}
        {clipboard.error === null
          ? ""
          : "This browser does not let the page copy: select it and copy it yourself."}
      </Text>
      <Alert color="yellow" icon={<WarningIcon />} title="It works once, within an hour">
        Whoever opens it first gets the primary&apos;s token, so send it by a channel that you trust. It is
        not shown again: if it is lost, enrol the primary anew.
      </Alert>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Done
        </Button>
      </Group>
    </Stack>
  );
}
