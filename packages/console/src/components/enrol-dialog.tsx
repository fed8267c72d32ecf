import { Code, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { enrolPrimary, primariesKey } from "../api/primaries.ts";
import type { NewlyEnrolled } from "../api/primaries.ts";
import { toLabels } from "../label-pairs.ts";
import { LabelsField } from "./access-fields.tsx";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { SecretOnce } from "./secret-once.tsx";

interface EnrolDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Enrols a primary and shows, this once, the address from which it learns its endpoint. */
export function EnrolDialog({ opened, onClose }: EnrolDialogProps) {
  const [name, setName] = useState("");
  const [pairs, setPairs] = useState<string[]>([]);
  const enrol = useMutation({
    mutationFn: () => enrolPrimary(name.trim(), toLabels(pairs)),
    // The address is a secret as long as it works: it leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_primary, _input, _result, { client }) =>
      client.invalidateQueries({ queryKey: primariesKey }),
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        enrol.reset();
        setName("");
        setPairs([]);
      }}
      title={enrol.isSuccess ? `${enrol.data.name} is enrolled` : "Enrol a primary"}
      size="lg"
      // What cannot be shown again does not vanish by a click beside it.
      closeOnClickOutside={!enrol.isSuccess && !enrol.isPending}
    >
      {enrol.isSuccess ? (
        <DetailsAddress primary={enrol.data} onClose={onClose} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enrol.mutate();
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
            <LabelsField
              label="Labels"
              description="NAME=VALUE, then Enter; such as site=vienna. To filter by, and to limit who sees it."
              value={pairs}
              onChange={setPairs}
            />
            {enrol.isError ? <Failure title="The primary was not enrolled" error={enrol.error} /> : null}
            <FormButtons
              action="Enrol"
              isPending={enrol.isPending}
              disabled={name.trim() === ""}
              onCancel={onClose}
            />
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function DetailsAddress({ primary, onClose }: { primary: NewlyEnrolled; onClose: () => void }) {
  return (
    <Stack>
      <Text>
        Add an endpoint on the primary with the details from this address: by{" "}
        <Code>sallyport endpoint add</Code> with Sallyport, or by filling in what it answers in NetBackup.
      </Text>
      <SecretOnce label="Details address" secret={primary.detailsUrl} onDone={onClose}>
        It works once, within an hour. Whoever opens it first gets the primary&apos;s token, so send it by a
        channel that you trust. If it is lost, make another one on the primary&apos;s page.
      </SecretOnce>
    </Stack>
  );
}
