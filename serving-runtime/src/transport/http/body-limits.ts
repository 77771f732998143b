/** Bytes of JSON in one request, and of all of it where tensors come as bytes. */
export const JSON_LIMIT = 4 * 1024 * 1024;
export const BINARY_LIMIT = 64 * 1024 * 1024;
