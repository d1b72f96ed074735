/** A restart in another size: only after a question, and the page comes back by itself. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import type { CommandRegistry } from '@lumino/commands';

import type { Api, ISize } from './api';
import { tell } from './dialogs';

const LOOK_AGAIN = 500;
/** The hub stops a server within seconds; after this long its page tells more than this one can. */
const GIVE_UP = 60_000;

/** Ask, save, restart, and wait at the hub's page, which leads back here. */
export async function restart(commands: CommandRegistry, api: Api, size: ISize): Promise<void> {
  const answer = await showDialog({
    title: `Restart with ${size.display_name}?`,
    body:
      `${size.why ? `${size.display_name} needs a restart: ${size.why} ` : ''}All kernels and terminals stop and ` +
      'variables are lost. Files stay, and open notebooks are saved first. It takes some seconds.',
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Restart now' })],
    defaultButton: 0
  });
  if (!answer.button.accept) {
    return;
  }
  try {
    await commands.execute('docmanager:save-all');
    await api.restart(size.name);
  } catch (error) {
    await tell('The server was not restarted', (error as Error).message);
    return;
  }
  const waiting = new Dialog({
    title: `Restarting with ${size.display_name}`,
    body: 'This page comes back by itself.',
    buttons: [],
    hasClose: false
  });
  void waiting.launch().catch(() => undefined);
  await gone(api);
  window.location.assign(waitingPage());
}

/** Until the server no longer answers: the hub's page would lead back to it at once. */
async function gone(api: Api): Promise<void> {
  const start = Date.now();
  while (Date.now() - start < GIVE_UP && (await api.isHere())) {
    await new Promise(resolve => window.setTimeout(resolve, LOOK_AGAIN));
  }
}

function waitingPage(): string {
  const [prefix, user, server] = ['hubPrefix', 'hubUser', 'hubServerName'].map(name => PageConfig.getOption(name));
  const parts = [user, server].filter(part => part).map(part => encodeURIComponent(part as string));
  return PageConfig.getOption('hubHost') + URLExt.join(prefix || '/', 'spawn-pending', ...parts);
}
