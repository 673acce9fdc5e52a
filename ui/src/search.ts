import { useCallback } from "react";
import { useSearchParams } from "react-router-dom";

type Changes = Record<string, string | number | null>;

/** The search parameters of the address as a page's state: what is null or empty leaves the address. */
export const useSearch = (): [URLSearchParams, (changes: Changes) => void] => {
  const [search, setSearch] = useSearchParams();
  const change = useCallback(
    (changes: Changes) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes)) {
            if (value === null || value === "") after.delete(name);
            else after.set(name, String(value));
          }
          return after;
        },
        { replace: true },
      ),
    [setSearch],
  );
  return [search, change];
};

/** A whole number of the address that is at least `least`, or what stands for it. */
export const wholeNumber = (text: string | null, otherwise: number, least = 0): number => {
  const value = Number(text ?? Number.NaN);
  return Number.isSafeInteger(value) && value >= least ? value : otherwise;
};
