/** One file of a source. */
export interface SourceFile {
  /** What the source itself calls it: the key of an object. */
  readonly id: string;
  /** Below what was asked for, with `/`; as the source says it, so not yet to be trusted as a path. */
  readonly name: string;
  readonly size?: number | undefined;
  /** ETag, generation or the like: bytes of another version are never mixed in. Without one, it is told with the first byte. */
  readonly version?: string | undefined;
}

export interface Listing {
  /** Whether one object was named, or everything below a prefix or folder. */
  readonly kind: 'file' | 'folder';
  readonly files: readonly SourceFile[];
}

export interface Place {
  readonly offset: number;
  /** The version that the bytes before `offset` are of. */
  readonly version: string | undefined;
}

export interface Opened {
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the bytes begin: at the offset that was asked for, or at 0 if the source cannot or what it has is another version. */
  readonly offset: number;
  /** Of the whole file. */
  readonly size: number | undefined;
  readonly version: string | undefined;
}

/** All methods reject with a FetchError that says whether trying again may help. */
export interface Source {
  /** Lists at most one file more than `maxFiles`. */
  readonly list: (maxFiles: number, signal: AbortSignal) => Promise<Listing>;
  readonly open: (file: SourceFile, place: Place, signal: AbortSignal) => Promise<Opened>;
  readonly close: () => void;
}
