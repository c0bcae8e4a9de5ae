/** Which Debian archive the machine's apt uses, in every form in which it may be written (sources.list(5)). */
import { expect, test } from 'vitest';
import { debianArchive } from '../../scripts/debian-binaries/sources.ts';

const STANZA = `# a comment
Types: deb deb-src
# in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;
const SECURITY = `Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;
const found = { uri: 'http://mirror.example/debian', signedBy: ['/usr/share/keyrings/debian-archive-keyring.gpg'] };

test.each<[string, Record<string, string>, ReturnType<typeof debianArchive>]>([
  ['a stanza', { 'debian.sources': STANZA }, found],
  [
    'behind another archive',
    { 'a.list': 'deb https://other.example/apt stable main\n', 'debian.sources': STANZA },
    found,
  ],
  ['behind the security archive', { 'debian.sources': `${SECURITY}\n${STANZA}` }, found],
  ['a disabled stanza', { 'debian.sources': `Enabled: no\n${STANZA}` }, undefined],
  ['sources only', { 'debian.sources': STANZA.replace('deb deb-src', 'deb-src') }, undefined],
  ['the security archive alone', { 'debian.sources': SECURITY }, undefined],
  ['another distribution', { 'ubuntu.sources': STANZA.replace('/debian', '/ubuntu') }, undefined],
  [
    'a value over several lines, keys as paths and commas',
    { 'debian.sources': STANZA.replace(/Signed-By: .*/, 'Signed-By: /a.gpg,\n /b.gpg') },
    { ...found, signedBy: ['/a.gpg', '/b.gpg'] },
  ],
  [
    'a key in the stanza',
    { 'debian.sources': STANZA.replace(/Signed-By: .*/, 'Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ') },
    { ...found, signedBy: [] },
  ],
  ['a line', { 'sources.list': 'deb http://mirror.example/debian trixie main\n' }, { ...found, signedBy: [] }],
  [
    'a line with options',
    { 'sources.list': 'deb [arch=amd64 signed-by=/a.gpg] http://mirror.example/debian/ trixie main contrib\n' },
    { uri: 'http://mirror.example/debian/', signedBy: ['/a.gpg'] },
  ],
  ['a line that is a comment', { 'sources.list': '# deb http://mirror.example/debian trixie main\n' }, undefined],
  ['a line of sources', { 'sources.list': 'deb-src http://mirror.example/debian trixie main\n' }, undefined],
  [
    'a snapshot',
    { 'sources.list': 'deb http://snapshot.example/archive/debian/20260101T000000Z bookworm main\n' },
    { uri: 'http://snapshot.example/archive/debian/20260101T000000Z', signedBy: [] },
  ],
  ['the medium of the installer', { 'sources.list': 'deb cdrom:[Debian]/ bookworm main\n' }, undefined],
  ['nothing', {}, undefined],
])('%s', (_name, files, archive) => {
  expect(debianArchive(Object.entries(files).map(([name, text]) => ({ name, text })))).toEqual(archive);
});
