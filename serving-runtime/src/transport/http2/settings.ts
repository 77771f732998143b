/** RFC 9113, section 6.5: what the peer asks of us. */
import { ConnectionError, ErrorCode, frameSizeError, protocolError } from './errors.ts';
import { MAX_FRAME_BYTES, MAX_WINDOW, SettingId } from './frames.ts';
import type { Frame } from './frames.ts';

export interface Setting {
  readonly id: number;
  readonly value: number;
}

const SETTING_BYTES = 6;
const MAX_FRAME_SIZE_BOUND = 2 ** 24 - 1;

/** @throws {ConnectionError} for a value that is out of its bounds. Settings that nobody knows are among the result. */
export function readSettings({ buffer, start, end }: Frame): Setting[] {
  if ((end - start) % SETTING_BYTES !== 0) throw frameSizeError('SETTINGS has half a setting');
  const settings: Setting[] = [];
  for (let offset = start; offset < end; offset += SETTING_BYTES) {
    const setting = { id: buffer.readUInt16BE(offset), value: buffer.readUInt32BE(offset + 2) };
    checkSetting(setting);
    settings.push(setting);
  }
  return settings;
}

function checkSetting({ id, value }: Setting): void {
  if (id === SettingId.enablePush && value > 1) throw protocolError('ENABLE_PUSH is neither 0 nor 1');
  if (id === SettingId.initialWindowSize && value > MAX_WINDOW) {
    throw new ConnectionError(ErrorCode.flowControlError, 'INITIAL_WINDOW_SIZE is too large');
  }
  if (id === SettingId.maxFrameSize && (value < MAX_FRAME_BYTES || value > MAX_FRAME_SIZE_BOUND)) {
    throw protocolError('MAX_FRAME_SIZE is out of its bounds');
  }
}
