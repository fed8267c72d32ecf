import type { Alert } from "@sallyport/hub";
import { Modal, Select, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { acknowledgeAlert } from "../api/alerts.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

const dayMs = 86_400_000;

/** Says that somebody looks after an alert, and for how long nobody has to be told again. */
export function AcknowledgeDialog({ alert, onClose }: { alert: Alert | null; onClose: () => void }) {
  const [days, setDays] = useState("");
  const run = useMutation({
    mutationFn: async () => {
      if (alert === null) return;
      const until = days === "" ? undefined : new Date(Date.now() + Number(days) * dayMs).toISOString();
      await acknowledgeAlert(alert.id, until);
    },
    onSuccess: async (_answer, _input, _result, { client }) => {
      await client.invalidateQueries({ queryKey: ["/alerts"] });
      onClose();
    },
  });
  return (
    <Modal
      opened={alert !== null}
      onClose={onClose}
      onExitTransitionEnd={() => {
        run.reset();
        setDays("");
      }}
      title="Acknowledge the alert"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <Stack>
          <Text size="sm">{alert?.message}</Text>
          <Select
            label="If it happens again"
            data={[
              { value: "", label: "raise it again" },
              { value: "1", label: "be silent for a day" },
              { value: "7", label: "be silent for a week" },
              { value: "30", label: "be silent for 30 days" },
            ]}
            value={days}
            onChange={(value) => setDays(value ?? "")}
            allowDeselect={false}
            data-autofocus
          />
          {run.isError ? <Failure title="It was not acknowledged" error={run.error} /> : null}
          <FormButtons action="Acknowledge" isPending={run.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </Modal>
  );
}
