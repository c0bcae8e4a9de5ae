/** Messages for data/protobuf: numbers and types from generated.proto, names in JSON from the tags of Go's types. */
import { expect, test } from 'vitest';
import { type Package, protobufMessages } from '../../scripts/protobuf-messages.ts';

const RESOURCE: Package = {
  apiVersion: 'resource',
  proto: 'package k8s.io.api.resource;\n\n// A number.\nmessage Quantity {\n  optional string string = 1;\n}\n',
  go: [],
};

const proto = (body: string): Package => ({
  apiVersion: 'apps/v1',
  proto: `/* ${'message Not {\n'} */\npackage k8s.io.api.apps.v1;\n\nmessage Thing {\n${body}\n}\n\nmessage Inner {\n}\n`,
  go: [
    [
      'type Thing struct {',
      '\t// A comment with `json:"not"` in it.',
      '\tName string `json:"name" protobuf:"bytes,1,opt,name=name"`',
      '\tInner `json:",inline" protobuf:"bytes,2,opt,name=inner"`',
      '\tZero int32 `json:"zero,omitempty" protobuf:"varint,3,opt,name=zero"`',
      '\tPointer *int32 `json:"pointer,omitempty" protobuf:"varint,4,opt,name=pointer"`',
      '\tXType string `json:"x-type,omitempty" protobuf:"bytes,5,rep,name=xType"`',
      '\tRaw []byte `json:"-" protobuf:"bytes,6,opt,name=raw"`',
      '\tLimits map[Name]resource.Quantity `json:"limits,omitempty" protobuf:"bytes,7,rep,name=limits,castkey=Name"`',
      '}',
    ].join('\n'),
  ],
});

const BODY = [
  '  // optional string commented = 9;',
  '  optional string name = 1;',
  '  optional Inner inner = 2;',
  '  optional int32 zero = 3;',
  '  optional int64 pointer = 4;',
  '  repeated string xType = 5;',
  '  optional bytes raw = 6;',
  '  map<string, .k8s.io.api.resource.Quantity> limits = 7;',
].join('\n');

test('names, types, and what is left out', () => {
  expect(protobufMessages([proto(BODY), RESOURCE])).toEqual({
    'apps/v1.Thing': {
      1: ['name', 'string'],
      2: ['', 'apps/v1.Inner'],
      3: ['zero', 'int', 1],
      4: ['pointer', 'int'],
      5: ['x-type', '[]string', 1],
      6: ['raw', 'bytes'],
      7: ['limits', '{}resource.Quantity', 1],
    },
    'apps/v1.Inner': {},
    'resource.Quantity': { 1: ['=', 'string'] },
  });
});

test.each([
  ['a field that no Go struct has', '  optional string other = 8;', 'apps/v1.Thing.other: no Go struct has it'],
  ['a message that is not there', '  optional Nothing name = 1;', 'apps/v1.Thing: there is no message apps/v1.Nothing'],
  [
    'a package that is not there',
    '  optional .k8s.io.api.core.v1.Pod name = 1;',
    'apps/v1.Thing: the package of .k8s.io.api.core.v1.Pod is not there',
  ],
])('%s is an error', (_, body, message) => {
  expect(() => protobufMessages([proto(body), RESOURCE])).toThrow(message);
});
