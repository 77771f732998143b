export interface Connection {
  close(): void;
}

/** Of each call that ended: how long it took, in milliseconds, and whether there was an answer. */
export type Tell = (milliseconds: number, isAnswer: boolean) => void;
