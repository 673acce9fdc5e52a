import { Field, Input, NativeSelect } from "@chakra-ui/react";
import { useEffect, useState } from "react";

interface SelectProps {
  label: string;
  value: string;
  /** The values with their words; the first is what the filter starts from. */
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

/** A filter with a few choices. */
export const SelectFilter = ({ label, value, options, onChange }: SelectProps) => (
  <Field.Root w="auto">
    <Field.Label color="fg.muted" fontSize="xs">
      {label}
    </Field.Label>
    <NativeSelect.Root size="sm" w="auto">
      <NativeSelect.Field maxW="18rem" onChange={(event) => onChange(event.target.value)} value={value}>
        {options.map(([key, word]) => (
          <option key={key} value={key}>
            {word}
          </option>
        ))}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  </Field.Root>
);

interface TextProps {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}

const PAUSE = 250;

/** A filter by text, which waits for a pause in the typing. */
export const TextFilter = ({ label, value, placeholder, onChange }: TextProps) => {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <Field.Root w="auto">
      <Field.Label color="fg.muted" fontSize="xs">
        {label}
      </Field.Label>
      <Input
        maxLength={100}
        onChange={(event) => setText(event.target.value)}
        placeholder={placeholder}
        size="sm"
        type="search"
        value={text}
        w="16rem"
      />
    </Field.Root>
  );
};
