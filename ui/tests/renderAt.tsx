import { ChakraProvider } from "@chakra-ui/react";
import { render } from "@testing-library/react";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider, useLocation } from "react-router-dom";
import { App } from "@/App";
import { system } from "../dev/theme";

interface Shown {
  user: UserEvent;
  /** Where the address bar is. */
  address: () => string;
}

// As Airflow does it: the app is made anew for each path.
const Host = () => <App key={useLocation().pathname} />;

/** Show the pages at an address below Airflow's. */
export const renderAt = (address: string): Shown => {
  const router = createMemoryRouter(
    [
      { path: "/plugin/retrain/*", element: <Host /> },
      { path: "*", element: <p>another page of Airflow</p> },
    ],
    { initialEntries: [address] },
  );
  render(
    <ChakraProvider value={system}>
      <RouterProvider router={router} />
    </ChakraProvider>,
  );
  return {
    user: userEvent.setup(),
    address: () => `${router.state.location.pathname}${router.state.location.search}`,
  };
};

/** Show one part in Airflow's theme and router. */
export const renderPart = (part: ReactNode): UserEvent => {
  const router = createMemoryRouter([{ path: "*", element: part }]);
  render(
    <ChakraProvider value={system}>
      <RouterProvider router={router} />
    </ChakraProvider>,
  );
  return userEvent.setup();
};
