import type { PrimarySummary } from "@sallyport/hub";
import { Modal, Stack, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { primariesKey } from "../api/primaries.ts";
import { updatePrimary } from "../api/primary.ts";
import { toLabels, toPairs } from "../label-pairs.ts";
import { useAccess } from "../use-access.ts";
import { LabelsField } from "./access-fields.tsx";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

interface EditPrimaryDialogProps {
  primary: PrimarySummary;
  opened: boolean;
  onClose: () => void;
}

/** Renames a primary and changes its labels. */
export function EditPrimaryDialog({ primary, opened, onClose }: EditPrimaryDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Edit ${primary.name}`}>
      <EditForm primary={primary} onClose={onClose} />
    </Modal>
  );
}

/** Made anew whenever the dialog opens, so that it begins with what holds. */
function EditForm({ primary, onClose }: Omit<EditPrimaryDialogProps, "opened">) {
  const { seesWholeHub } = useAccess();
  const [name, setName] = useState(primary.name);
  const [pairs, setPairs] = useState(() => toPairs(primary.labels));
  const save = useMutation({
    // Labels decide who may see a primary: those who see only some can't change them.
    mutationFn: () =>
      updatePrimary(primary.id, { name: name.trim(), ...(seesWholeHub ? { labels: toLabels(pairs) } : {}) }),
    onSuccess: async (_answer, _input, _result, { client }) => {
      await client.invalidateQueries({ queryKey: primariesKey });
      onClose();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={128}
          autoComplete="off"
          spellCheck={false}
          required
          data-autofocus
        />
        {seesWholeHub ? (
          <LabelsField
            label="Labels"
            description="NAME=VALUE, then Enter. They decide who sees it, what is filtered and watched."
            value={pairs}
            onChange={setPairs}
          />
        ) : null}
        {save.isError ? <Failure title="It was not changed" error={save.error} /> : null}
        <FormButtons
          action="Save"
          isPending={save.isPending}
          disabled={name.trim() === ""}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}
