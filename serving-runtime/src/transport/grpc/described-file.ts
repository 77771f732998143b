/** .proto files as reflection tells of them. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto } from '@bufbuild/protobuf/wkt';
import type { MessageTypeDefinition, PackageDefinition } from '@grpc/proto-loader';
import { loadProto } from './proto-service.ts';

/** A file as protobuf's own description of it, and the full names of what it defines. */
export interface DescribedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly symbols: ReadonlySet<string>;
}

/** `name`: that of the file, which it also has for clients. */
export function describedFile(name: string): DescribedFile {
  const proto = loadProto(name);
  const bytes = Object.values(proto).find(isMessage)?.fileDescriptorProtos[0];
  const file = bytes === undefined ? create(FileDescriptorProtoSchema) : fromBinary(FileDescriptorProtoSchema, bytes);
  for (const message of file.messageType) nameMapEntries(message);
  return { name, bytes: toBinary(FileDescriptorProtoSchema, { ...file, name }), symbols: new Set(symbolsOf(proto)) };
}

/** protobufjs calls the entries of a map `Parameters`, where protobuf wants `ParametersEntry`; grpcurl refuses all of the file over it. */
function nameMapEntries(message: DescriptorProto): void {
  for (const entry of message.nestedType) {
    nameMapEntries(entry);
    if (entry.options?.mapEntry !== true || entry.name.endsWith('Entry')) continue;
    const before = entry.name;
    entry.name = `${before}Entry`;
    for (const field of message.field) {
      if (field.typeName.split('.').at(-1) === before) field.typeName += 'Entry';
    }
  }
}

function isMessage(definition: PackageDefinition[string]): definition is MessageTypeDefinition<object, object> {
  return 'fileDescriptorProtos' in definition;
}

function symbolsOf(proto: PackageDefinition): string[] {
  return Object.entries(proto).flatMap(([name, definition]) => {
    const methods = isMessage(definition) ? [] : Object.keys(definition);
    return [name, ...methods.map((method) => `${name}.${method}`)];
  });
}
