/** What the memory guard has to say: each notice is shown once, and what ended a kernel stays until it was read. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import type { IKill, INotice, ISize } from './api';
import { tell } from './dialogs';
import type { IStop } from './stop';

const SEEN = 'carrel:notices';
const REMEMBERED = 200;
/** JupyterLab cuts a toast's text here; longer ones have a button that tells all. */
const SHORT = 140;

type Style = 'info' | 'success' | 'warning' | 'error';

const STYLES: Record<INotice['kind'], { style: Style; stays: number | false }> = {
  warning: { style: 'warning', stays: 15_000 },
  growing: { style: 'info', stays: 10_000 },
  grown: { style: 'success', stays: 10_000 },
  interrupted: { style: 'error', stays: false },
  killed: { style: 'error', stays: false },
  disk: { style: 'warning', stays: 30_000 },
  stopping: { style: 'warning', stays: false },
  identity: { style: 'info', stays: 30_000 }
};

/** What a notice's buttons do. */
export interface IHelp {
  bigger: () => ISize | null;
  grow: (size: ISize) => void;
  keep: () => Promise<void>;
  toFront: (id: string) => void;
  notebooks: INotebookTracker | null;
}

export class Notices {
  constructor(private readonly help: IHelp) {}

  /** Show a notice unless this browser tab has shown it. */
  show(notice: INotice): void {
    const seen = remembered();
    if (seen.includes(notice.id)) {
      return;
    }
    sessionStorage.setItem(SEEN, JSON.stringify([...seen, notice.id].slice(-REMEMBERED)));
    const { style, stays } = STYLES[notice.kind] ?? STYLES.warning;
    if (notice.kind !== 'warning' && this.passing) {
      Notification.dismiss(this.passing); // what was about to happen has happened
      this.passing = null;
    }
    const id = Notification.emit(notice.message, style, { autoClose: stays, actions: this.actions(notice) });
    if (notice.kind === 'warning' || notice.kind === 'growing') {
      this.passing = id;
    }
    if (notice.kind === 'stopping') {
      this.stopping = { id, at: notice.will_stop_at };
    }
  }

  /** Take back that the server is about to stop, once it stops at another time or not at all. */
  follow(stop: IStop): void {
    if (this.stopping && this.stopping.at !== stop.will_stop_at) {
      Notification.dismiss(this.stopping.id);
      this.stopping = null;
    }
  }

  private actions(notice: INotice): Notification.IAction[] {
    const actions: Notification.IAction[] = [];
    const isEnd = notice.kind === 'interrupted' || notice.kind === 'killed';
    if (notice.kind === 'stopping') {
      const callback = () => void this.help.keep();
      actions.push({ label: 'Keep 1 h', displayType: 'accent', callback });
    }
    const bigger = isEnd || notice.kind === 'warning' ? this.help.bigger() : null;
    if (bigger) {
      const callback = () => this.help.grow(bigger);
      actions.push({ label: `Grow to ${bigger.display_name}`, displayType: 'accent', callback });
    }
    const panel = isEnd ? opened(this.help.notebooks, notice.notebook) : null;
    if (panel && notice.cell) {
      const { cell } = notice;
      actions.push({ label: 'Show cell', callback: staying(() => showCell(this.help, panel, cell)) });
    }
    if (notice.message.length > SHORT) {
      const callback = staying(() => tell('What happened', notice.message));
      actions.push({ label: 'Read all', displayType: 'link', callback });
    }
    return actions;
  }

  private passing: string | null = null;
  private stopping: { id: string; at: string | null | undefined } | null = null;
}

/** The last post-mortem in a dialog, with the way out of it. */
export async function explain(kill: IKill | null, help: IHelp): Promise<void> {
  if (!kill) {
    await tell('Why did my kernel stop?', 'No kernel of this server was stopped for its memory.');
    return;
  }
  const bigger = help.bigger();
  const answer = await showDialog({
    title: 'Why did my kernel stop?',
    body: `${new Date(kill.at).toLocaleString()}: ${kill.message}`,
    buttons: [
      Dialog.cancelButton({ label: 'Close' }),
      ...(bigger ? [Dialog.okButton({ label: `Grow to ${bigger.display_name}` })] : [])
    ]
  });
  if (answer.button.accept && bigger) {
    help.grow(bigger);
  }
}

/** A button after which the notification is still there. */
function staying(action: () => Promise<void>): Notification.IAction['callback'] {
  return event => {
    event.preventDefault();
    void action();
  };
}

function remembered(): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(SEEN) ?? '[]') as string[];
  } catch {
    return []; // somebody else's text under our name: begin anew
  }
}

function opened(tracker: INotebookTracker | null, path: string | null | undefined): NotebookPanel | null {
  return (path && tracker?.find(panel => panel.context.localPath === path)) || null;
}

/** Bring the notebook to the front and its cell into view; the cell is known by its first line, or by its number. */
async function showCell(help: IHelp, panel: NotebookPanel, cell: string): Promise<void> {
  const [, number, text = ''] = /^(?:\[(\d+)\]\s*)?([^]*)$/.exec(cell) ?? [];
  const line = text.replace(/…$/, '').trim();
  const models = panel.content.widgets.map(each => each.model.sharedModel);
  const byLine = line ? models.findIndex(model => model.getSource().includes(line)) : -1;
  const byNumber = models.findIndex(model => number && String(model.toJSON().execution_count) === number);
  const index = byLine >= 0 ? byLine : byNumber;
  help.toFront(panel.id);
  const found = panel.content.widgets[index];
  if (found) {
    panel.content.activeCellIndex = index;
    await panel.content.scrollToCell(found, 'center');
  }
}
