/** The panel "My queries" at the right, where there is a warehouse. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

import { Api } from './api';
import { QueryActions } from './queriesActions';
import { QueriesModel } from './queriesModel';
import { QueriesPanel } from './queriesPanel';

const COMMAND = 'carrel:queries';
const RANK = 50;
/** When to look after a cell has begun or ended: it may ask at once, or when it has imported what it asks with. */
const LOOKS = [300, 1500, 5000, 15_000];

export const queriesPlugin: JupyterFrontEndPlugin<void> = {
  id: '@carrel/lab:queries',
  description: 'The queries that a person has run in the warehouse, and what is left of the budget',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILayoutRestorer],
  activate
};

function activate(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null
): void {
  if (PageConfig.getOption('carrelQueries') !== 'true') {
    return;
  }
  const model = new QueriesModel(new Api(app.serviceManager.serverSettings));
  const panel = new QueriesPanel(model, new QueryActions(app, notebooks));
  app.shell.add(panel, 'right', { rank: RANK });
  restorer?.add(panel, panel.id);
  app.commands.addCommand(COMMAND, {
    label: 'Carrel: My queries',
    execute: () => app.shell.activateById(panel.id)
  });
  palette?.addItem({ command: COMMAND, category: 'Carrel' });
  lookWhenCellsRun(model);
}

function lookWhenCellsRun(model: QueriesModel): void {
  let looks: number[] = [];
  const look = (): void => {
    looks.forEach(each => window.clearTimeout(each));
    looks = LOOKS.map(wait => window.setTimeout(() => model.stir(), wait));
  };
  NotebookActions.executionScheduled.connect(look);
  NotebookActions.executed.connect(look);
}
