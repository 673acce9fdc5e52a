import { App } from "./App";
import { ChampionTab } from "./panels/ChampionTab";
import { DecisionTab } from "./panels/DecisionTab";

// Airflow imports the bundle once and then looks for each app by its name, as the plugin declares it.
Object.assign(globalThis, { Models: App, Champion: ChampionTab, Decision: DecisionTab });
