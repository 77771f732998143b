/** How a program in a pod ends. Loads nothing. */

/** The longest termination message that we write, in bytes; Kubernetes itself cuts at 4 KiB. */
export const MAX_RESULT_BYTES = 2048;

/** The request was wrong and a person has to change something: retrying cannot help. */
export const EXIT_BAD_INPUT = 3;
