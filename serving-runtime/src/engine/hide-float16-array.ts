/**
 * ONNX Runtime's tensors take Float16Array where the engine has it, but its binding of version 1.30 cannot read one ("not enough
 * space: expected 4, got 0"); without it, they keep halves as their bits. Imported before it, and only where a model runs.
 */
Reflect.deleteProperty(globalThis, 'Float16Array');
