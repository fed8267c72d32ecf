import type { PrimarySummary } from "@sallyport/hub";
import { Modal, Select, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { rotateToken, type EndpointChoice } from "../api/primary.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { defaultOverlap, OverlapSelect } from "./overlap-select.tsx";
import { SecretOnce } from "./secret-once.tsx";

/** Makes a new token for one of a primary's endpoints. */
export function RotateDialog({
  primary,
  opened,
  onClose,
}: {
  primary: PrimarySummary;
  opened: boolean;
  onClose: () => void;
}) {
  const { id, name, endpoints } = primary;
  const [overlap, setOverlap] = useState(defaultOverlap);
  const [chosen, setChosen] = useState("0");
  const endpoint = endpoints[Number(chosen)];
  const rotate = useMutation({
    mutationFn: () =>
      rotateToken(id, Number(overlap), endpoint === undefined ? undefined : choiceOf(endpoint)),
    // The address is a secret as long as it works: it leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_answer, _input, _result, { client }) =>
      client.invalidateQueries({ queryKey: [`/primaries/${encodeURIComponent(id)}/tokens`] }),
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        rotate.reset();
        setOverlap(defaultOverlap);
        setChosen("0");
      }}
      title={rotate.isSuccess ? `The new token of ${name}` : `Rotate the token of ${name}`}
      size="lg"
      // What cannot be shown again does not vanish by a click beside it.
      closeOnClickOutside={!rotate.isSuccess && !rotate.isPending}
    >
      {rotate.isSuccess ? (
        <SecretOnce label="Details address" secret={rotate.data.detailsUrl} onDone={onClose}>
          It works once, within an hour: add the endpoint anew on the primary.
        </SecretOnce>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Stack>
            <Text size="sm">
              The primary needs the new token: you get an address from which it learns it, as when it was
              enrolled.
            </Text>
            {endpoints.length < 2 ? null : (
              <Select
                label="Of the endpoint"
                data={endpoints.map(({ groupId, url }, index) => ({
                  value: String(index),
                  label: `${groupId}: ${url}`,
                }))}
                value={chosen}
                onChange={(value) => setChosen(value ?? "0")}
                allowDeselect={false}
              />
            )}
            <OverlapSelect
              label="The old token works"
              none="not any more: it is cut at once"
              value={overlap}
              onChange={setOverlap}
            />
            {rotate.isError ? <Failure title="The token was not rotated" error={rotate.error} /> : null}
            <FormButtons action="Rotate" isPending={rotate.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}

/** The hub names its addresses by `https://`; an endpoint has the WebSocket's. */
function choiceOf({ groupId, url }: PrimarySummary["endpoints"][number]): EndpointChoice {
  return { groupId, url: `https://${new URL(url).host}` };
}
