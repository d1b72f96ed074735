/** What can be done with a query besides cancelling it: its result into a cell, its cell into view. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

import { tell } from './dialogs';
import { documentName, type IQuery, isCell } from './queries';

const BRIEFLY = 2500;

export class QueryActions {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly notebooks: INotebookTracker
  ) {}

  /** Get the finished query's result: in a new cell below the one that began it, else below the one that is active. */
  async attach(query: IQuery): Promise<void> {
    const panel = this.opened(query) ?? this.notebooks.currentWidget ?? (await this.open(query));
    if (!panel) {
      await tell('There is no notebook open', 'Open a notebook first: the result comes into a new cell of it.');
      return;
    }
    await this.toFront(panel);
    this.activate(panel, query);
    NotebookActions.insertBelow(panel.content);
    panel.content.activeCell?.model.sharedModel.setSource(`df = %bq_attach ${query.id}`);
    await this.scroll(panel);
    await NotebookActions.run(panel.content, panel.sessionContext);
  }

  /** Open the notebook and bring the cell that began the query into view. */
  async show(query: IQuery): Promise<void> {
    const panel = this.opened(query) ?? (await this.open(query));
    if (!panel) {
      return;
    }
    await this.toFront(panel);
    if (this.activate(panel, query)) {
      await this.scroll(panel);
    } else {
      Notification.info(`The cell is no longer in ${documentName(query)}.`, { autoClose: BRIEFLY });
    }
  }

  /** For the console of the warehouse, or a colleague. */
  copy(query: IQuery): void {
    Clipboard.copyToSystem(query.id);
    Notification.success('The id of the job is copied.', { autoClose: BRIEFLY });
  }

  private opened(query: IQuery): NotebookPanel | null {
    const { document } = query;
    return (document && this.notebooks.find(panel => panel.context.localPath === document)) || null;
  }

  private async open(query: IQuery): Promise<NotebookPanel | null> {
    if (!query.document) {
      return null;
    }
    const path = query.document;
    const panel: NotebookPanel | undefined = await this.app.commands.execute('docmanager:open', { path });
    return panel ?? null;
  }

  private async toFront(panel: NotebookPanel): Promise<void> {
    this.app.shell.activateById(panel.id);
    await panel.revealed;
    await panel.context.ready;
  }

  /** Make the query's cell the active one; whether it is there. */
  private activate(panel: NotebookPanel, query: IQuery): boolean {
    const index = panel.content.widgets.findIndex(cell => isCell(cell.model.id, query.cell));
    if (index < 0 || panel.context.localPath !== query.document) {
      return false;
    }
    panel.content.activeCellIndex = index;
    return true;
  }

  private async scroll(panel: NotebookPanel): Promise<void> {
    if (panel.content.activeCell) {
      await panel.content.scrollToCell(panel.content.activeCell, 'center');
    }
  }
}
