/** Carrel in JupyterLab: the status bar item, when it stops, their popups, the notices and three commands. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';

import { Api } from './api';
import { Desk } from './desk';
import { tell } from './dialogs';
import { StopItem } from './keep';
import { explain, type IHelp, Notices } from './notices';
import { queriesPlugin } from './queriesPlugin';
import { restart } from './restart';
import { nextSize } from './settled';
import { SizePicker } from './sizes';
import { StatusItem } from './statusbar';
import { UsageStream } from './usage';

const CHANGE_SIZE = 'carrel:change-size';
const KEEP = 'carrel:keep';
const WHY = 'carrel:why-did-my-kernel-stop';
/** Beside what JupyterLab itself shows at the right, nearest to the corner. */
const RANK = -10;
const STOP = '@carrel/lab:stop';
const STOP_RANK = -9;

const plugin: JupyterFrontEndPlugin<void> = {
  id: '@carrel/lab:plugin',
  description: 'The size, memory and price of this server, and the notices of its memory guard',
  autoStart: true,
  requires: [IStatusBar],
  optional: [ICommandPalette, INotebookTracker],
  activate
};

function activate(
  app: JupyterFrontEnd,
  statusBar: IStatusBar,
  palette: ICommandPalette | null,
  notebooks: INotebookTracker | null
): void {
  const api = new Api(app.serviceManager.serverSettings);
  const desk = new Desk(api);
  const item = new StatusItem(desk, () => picker.toggle());
  const picker = new SizePicker(desk, item, size => restart(app.commands, api, size));
  const help: IHelp = {
    bigger: () => nextSize(desk.sizes),
    grow: size => void picker.choose(size),
    keep: () => desk.keep({ keep_for: '1h' }).catch(error => tell('The server is not kept', error.message)),
    toFront: id => app.shell.activateById(id),
    notebooks
  };
  statusBar.registerStatusItem(plugin.id, { item, align: 'right', rank: RANK, priority: 1 });
  const stopItem = new StopItem(desk);
  statusBar.registerStatusItem(STOP, { item: stopItem, align: 'right', rank: STOP_RANK, priority: 1 });
  addCommands(app, palette, picker, stopItem, async () => explain((await api.usage()).last_kill, help));
  void app.restored.then(() => {
    listen(api, desk, new Notices(help));
  });
}

function addCommands(
  app: JupyterFrontEnd,
  palette: ICommandPalette | null,
  picker: SizePicker,
  stopItem: StopItem,
  why: () => Promise<void>
): void {
  app.commands.addCommand(CHANGE_SIZE, { label: 'Carrel: Change size…', execute: () => picker.open() });
  app.commands.addCommand(WHY, {
    label: 'Carrel: Why did my kernel stop?',
    execute: () => why().catch(error => tell('This is not known at the moment', error.message))
  });
  app.commands.addCommand(KEEP, { label: 'Carrel: Keep the server…', execute: () => stopItem.toggle() });
  for (const command of [CHANGE_SIZE, KEEP, WHY]) {
    palette?.addItem({ command, category: 'Carrel' });
  }
}

function listen(api: Api, desk: Desk, notices: Notices): void {
  void desk.refresh();
  const stream = new UsageStream(() => api.events);
  stream.measured.connect((_, usage) => {
    desk.measure(usage);
    notices.follow(usage.stop);
  });
  stream.connection.connect((_, isLive) => desk.connected(isLive));
  stream.noticed.connect((_, notice) => notices.show(notice));
}

export default [plugin, queriesPlugin];
