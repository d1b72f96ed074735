/** A dialog with something to read and nothing to decide. */

import { Dialog, showDialog } from '@jupyterlab/apputils';

/** Show it until it is closed. */
export async function tell(title: string, body: string): Promise<void> {
  await showDialog({ title, body, buttons: [Dialog.okButton({ label: 'Close' })] });
}
