/**
 * The image of the process that holds a pod's namespaces: one static program that sleeps for ever. Upstream's comes from a
 * registry; this one is written down here, so that a cluster needs none.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAUSE_IMAGE } from '../layout.ts';
import { writeOneFileImage } from './one-file-image.ts';

const MACHINES = {
  // mov eax, 34 (pause); syscall; jmp back
  amd64: { machine: 62, code: [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7] },
  // x0..x3 = 0; x8 = 73 (ppoll); svc 0; branch back to the top
  arm64: {
    machine: 183,
    code: [
      0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2, 0x28, 0x09, 0x80,
      0xd2, 0x01, 0x00, 0x00, 0xd4, 0xfa, 0xff, 0xff, 0x17,
    ],
  },
} as const;

const LOAD_ADDRESS = 0x400000n;
const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;

/** An ELF executable of one segment (https://refspecs.linuxfoundation.org/elf/elf.pdf). */
export function pauseProgram(arch: 'amd64' | 'arm64'): Buffer {
  const { machine, code } = MACHINES[arch];
  const start = HEADER_SIZE + PROGRAM_HEADER_SIZE;
  const elf = Buffer.alloc(start + code.length);
  elf.write('\x7fELF', 0, 'latin1');
  elf.set([2, 1, 1], 4); // 64 bits, little endian, version 1
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(LOAD_ADDRESS + BigInt(start), 24); // entry point
  elf.writeBigUInt64LE(BigInt(HEADER_SIZE), 32); // offset of the program header
  elf.writeUInt16LE(HEADER_SIZE, 52);
  elf.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  elf.writeUInt16LE(1, 56); // one program header
  elf.writeUInt32LE(1, 64); // to be loaded
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(LOAD_ADDRESS, 80);
  elf.writeBigUInt64LE(LOAD_ADDRESS, 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, start);
  return elf;
}

/** Writes the image as an OCI archive into a folder and returns its path. */
export function writePauseImage(folder: string): string {
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const program = join(folder, 'pause');
  writeFileSync(program, pauseProgram(arch), { mode: 0o755 });
  return writeOneFileImage({ program, reference: PAUSE_IMAGE, archive: join(folder, 'pause.tar') });
}
