import { fieldSize } from './header-field.ts';
import type { HeaderField } from './header-field.ts';

/** RFC 7541, section 2.3.2: a queue of fields, bounded by their sizes; the newest has position 0. */
export class DynamicTable<Field extends HeaderField> {
  /** The newest is the last. */
  readonly #fields: Field[] = [];
  #size = 0;
  #maxSize: number;
  #added = 0;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get length(): number {
    return this.#fields.length;
  }

  get maxSize(): number {
    return this.#maxSize;
  }

  /** How many fields were ever added: the number of the next one, from which its position can be told later. */
  get added(): number {
    return this.#added;
  }

  at(position: number): Field | undefined {
    return this.#fields[this.#fields.length - 1 - position];
  }

  /** A field that is larger than the table empties it, and is not in it. */
  add(field: Field): void {
    const size = fieldSize(field);
    this.#evictDownTo(this.#maxSize - size);
    if (size > this.#maxSize) return;
    this.#fields.push(field);
    this.#size += size;
    this.#added += 1;
  }

  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#evictDownTo(maxSize);
  }

  #evictDownTo(size: number): void {
    while (this.#size > size && this.#fields.length > 0) this.#size -= fieldSize(this.#fields.shift() as Field);
  }
}
