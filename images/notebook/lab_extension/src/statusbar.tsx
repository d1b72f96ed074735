/** The item in the status bar: size, a small graph of memory, price per hour. A click opens the sizes. */

import { VDomRenderer } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IUsage } from './api';
import { type Desk, SAMPLES } from './desk';
import { bytes, level, points, price, usedOf } from './format';
import { calls } from './settled';

const WIDTH = 60;
const HEIGHT = 14;

export class StatusItem extends VDomRenderer<Desk> {
  constructor(
    desk: Desk,
    private readonly onClick: () => void
  ) {
    super(desk);
    this.addClass('carrel-Status');
    this.addClass('jp-mod-highlighted');
  }

  protected override render(): React.ReactElement | null {
    const { sizes, size, usage } = this.model;
    if (!sizes && !usage) {
      return null;
    }
    const cost = size && sizes ? price(size.price_per_hour, sizes.currency) : '';
    return (
      <button
        className="carrel-Status-button"
        type="button"
        aria-haspopup="menu"
        aria-label={spoken(this.model, cost)}
        title={explained(this.model)}
        onClick={this.onClick}
      >
        <Name desk={this.model} />
        {usage && <Memory usage={usage} samples={this.model.samples} isLive={this.model.isLive} />}
        {cost && <span className="carrel-Status-part">{cost}/h</span>}
      </button>
    );
  }
}

function Name({ desk }: { desk: Desk }): React.ReactElement | null {
  if (!desk.sizes) {
    return null;
  }
  const outcome = desk.isChanging ? null : desk.sizes.resize?.state;
  const isStuck = outcome === 'Deferred' || outcome === 'Infeasible' || outcome === 'Refused';
  return (
    <span className={`carrel-Status-part${desk.isChanging ? ' carrel-mod-changing' : ''}`}>
      {calls(desk.sizes, desk.sizes.instance_type)}
      <span className="carrel-Status-mark" aria-hidden="true">
        {desk.isChanging ? '…' : isStuck ? ' !' : ' ▸'}
      </span>
    </span>
  );
}

function Memory(props: { usage: IUsage; samples: number[]; isLive: boolean }): React.ReactElement {
  const { used, limit } = props.usage.memory;
  const state = `carrel-mod-${level(used, limit)}${props.isLive ? '' : ' carrel-mod-silent'}`;
  return (
    <span className={`carrel-Status-part carrel-Memory ${state}`}>
      <Graph samples={props.samples} limit={limit} />
      <span className="carrel-Memory-text">{limit > 0 ? usedOf(used, limit) : bytes(used)}</span>
    </span>
  );
}

function Graph({ samples, limit }: { samples: number[]; limit: number }): React.ReactElement {
  // A line's width is kept inside the box, or a full memory would be drawn half outside of it.
  const line = points(samples, limit, WIDTH, HEIGHT - 2, SAMPLES);
  const start = WIDTH - (WIDTH / (SAMPLES - 1)) * (samples.length - 1);
  return (
    <svg className="carrel-Graph" viewBox={`0 -1 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <line className="carrel-Graph-floor" x1="0" x2={WIDTH} y1={HEIGHT - 1.5} y2={HEIGHT - 1.5} />
      <polygon className="carrel-Graph-area" points={`${start},${HEIGHT - 1} ${line} ${WIDTH},${HEIGHT - 1}`} />
      <polyline className="carrel-Graph-line" points={line} />
    </svg>
  );
}

function spoken(desk: Desk, cost: string): string {
  const parts = desk.sizes ? [`Size ${calls(desk.sizes, desk.sizes.instance_type)}`] : [];
  if (desk.usage) {
    parts.push(`${usedOf(desk.usage.memory.used, desk.usage.memory.limit)} memory in use`);
  }
  if (cost) {
    parts.push(`${cost} per hour`);
  }
  return `${parts.join(', ')}. Change the size`;
}

function explained(desk: Desk): string {
  const lines: string[] = [];
  const { memory, home } = desk.usage ?? {};
  if (memory) {
    lines.push(`Memory: ${usedOf(memory.used, memory.limit)}, at most ${bytes(memory.peak)} so far`);
  }
  if (home?.size) {
    lines.push(`Home: ${usedOf(home.used, home.size)}`);
  }
  if (!desk.isLive) {
    lines.push('The server is silent at the moment; these are its last figures.');
  }
  const sentence = desk.isChanging ? desk.wish?.sentence : desk.sizes?.resize?.message;
  if (sentence) {
    lines.push(sentence);
  }
  return [...lines, 'Click to change the size.'].join('\n');
}
