import { styleText } from 'node:util';

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'bold' | 'dim';

/** Colours a text, or returns it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;
// Whether there are colours was decided before: with `validateStream` on, Node would look at its own stdout again.
export const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

export interface ColourFacts {
  readonly isTerminal: boolean;
  /** The variables NO_COLOR (https://no-color.org: any value but the empty one), FORCE_COLOR and TERM. */
  readonly noColor: string | undefined;
  readonly forceColor: string | undefined;
  readonly term: string | undefined;
}

export function wantsColour({ isTerminal, noColor = '', forceColor = '', term }: ColourFacts): boolean {
  if (noColor !== '') return false;
  if (forceColor !== '' && forceColor !== '0') return true;
  return isTerminal && term !== 'dumb';
}
