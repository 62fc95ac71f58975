#!/usr/bin/env bash
# Makes the fonts of assets/fonts from Debian's packages. Run it again after changing the ranges below;
# the same packages and the same fonttools give the same bytes.
#
# needs: fonts-inter fonts-jetbrains-mono fonts-dejavu-core, and fonttools (`pip install fonttools`, or
# Debian's package of that name).
set -euo pipefail
cd "$(dirname "$0")/.."

out=assets/fonts
inter=/usr/share/fonts/opentype/inter
mono=/usr/share/fonts/truetype/jetbrains-mono
dejavu=/usr/share/fonts/truetype/dejavu

say() { printf '%s\n' "fonts.sh: $*"; }
die() { printf '%s\n' "fonts.sh: $*" >&2; exit 1; }

command -v pyftsubset >/dev/null || die "pyftsubset is missing; run: pip install fonttools"
for file in "$inter/Inter-Regular.otf" "$inter/Inter-SemiBold.otf" "$mono/JetBrainsMono-Regular.ttf" "$dejavu/DejaVuSans.ttf"; do
  [[ -r $file ]] || die "$file is missing; run: apt-get install fonts-inter fonts-jetbrains-mono fonts-dejavu-core"
done

# Latin, Latin-1, Latin Extended-A, Romanian letters, modifiers, combining accents, Greek, Cyrillic.
letters=U+0020-007E,U+00A0-017F,U+0192,U+0218-021B,U+02C6-02DD,U+0300-030C,U+0326-0328,U+0370-03FF,U+0400-045F,U+0490-0491
# Punctuation without the bidi controls (which the window shows as escapes), currency, letterlike, fractions.
punctuation=U+2000-200A,U+2010-2027,U+202F-205F,U+20AC,U+2116,U+2122,U+2126
# Arrows, mathematics, keyboard symbols, control pictures, box drawing, shapes, marks, the replacement character.
symbols=U+2190-21FF,U+2205,U+2212,U+2215,U+2219,U+221A,U+221E,U+2248,U+2260-2265,U+2295-2298,U+22EE,U+22EF
symbols+=,U+2303,U+2304,U+2305,U+2318,U+2325,U+2326,U+232B,U+238B,U+23CE,U+2400-2426,U+2500-257F,U+25A0-25FF
symbols+=,U+2605,U+2606,U+2610-2612,U+2630,U+2690,U+2691,U+2699,U+26A0,U+26A1,U+270E,U+2713-2718,U+27F3,U+29C9,U+FFFD
wanted="$letters,$punctuation,$symbols"

# subset SOURCE TARGET UNICODES FEATURES
# No `calt` and no `liga`: "->" in a unit's name must stay two characters on the screen.
subset() {
  pyftsubset "$1" --output-file="$2" --unicodes="$3" --layout-features="$4" \
    --name-IDs='*' --name-languages='*' --notdef-outline --glyph-names --no-recalc-timestamp
}

# The symbols are what at least one of the two text fonts lacks and DejaVu Sans has.
lacking=$(python3 - "$wanted" "$inter/Inter-Regular.otf" "$mono/JetBrainsMono-Regular.ttf" "$dejavu/DejaVuSans.ttf" <<'PY'
import sys
from fontTools.ttLib import TTFont

wanted = set()
for part in sys.argv[1].split(","):
    first, _, last = part.removeprefix("U+").partition("-")
    wanted.update(range(int(first, 16), int(last or first, 16) + 1))
sans, mono, dejavu = (set(TTFont(path).getBestCmap()) for path in sys.argv[2:])
missing = {c for c in wanted if (c not in sans or c not in mono) and c in dejavu}
print(",".join(f"U+{c:04X}" for c in sorted(missing)))
PY
)

mkdir -p "$out"
subset "$inter/Inter-Regular.otf" "$out/RollcallSans-Regular.otf" "$wanted" ccmp,kern,mark,mkmk
subset "$inter/Inter-SemiBold.otf" "$out/RollcallSans-SemiBold.otf" "$wanted" ccmp,kern,mark,mkmk
subset "$mono/JetBrainsMono-Regular.ttf" "$out/RollcallMono-Regular.ttf" "$wanted" ccmp,mark,mkmk
subset "$dejavu/DejaVuSans.ttf" "$out/RollcallSymbols.ttf" "$lacking" ''

# A changed font gets a name of its own: the licences ask for it where a name is reserved, and it tells the
# subsets from installed fonts. Copyright and licence entries stay.
python3 - "$out" <<'PY'
import sys
from pathlib import Path
from fontTools.ttLib import TTFont

names = {
    "RollcallSans-Regular.otf": ("Rollcall Sans", "Regular", "Subset of Inter Regular"),
    "RollcallSans-SemiBold.otf": ("Rollcall Sans", "SemiBold", "Subset of Inter SemiBold"),
    "RollcallMono-Regular.ttf": ("Rollcall Mono", "Regular", "Subset of JetBrains Mono Regular"),
    "RollcallSymbols.ttf": ("Rollcall Symbols", "Regular", "Subset of DejaVu Sans"),
}
FAMILY, STYLE, UNIQUE, FULL, POSTSCRIPT, TRADEMARK, DESCRIPTION = 1, 2, 3, 4, 6, 7, 10
for file, (family, style, origin) in names.items():
    path = Path(sys.argv[1]) / file
    font = TTFont(path, recalcTimestamp=False)
    table = font["name"]
    version = table.getDebugName(5)
    keep = {0, 5, 8, 9, 11, 12, 13, 14}
    table.names = [n for n in table.names if n.nameID in keep and n.platformID == 3]
    postscript = f"{family.replace(' ', '')}-{style}"
    entries = {
        FAMILY: family if style == "Regular" else f"{family} {style}",
        STYLE: "Regular",
        UNIQUE: f"{postscript}; {origin}; {version}",
        FULL: f"{family} {style}",
        POSTSCRIPT: postscript,
        DESCRIPTION: origin,
        16: family,
        17: style,
    }
    for name_id, text in entries.items():
        table.setName(text, name_id, 3, 1, 0x409)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [postscript]
        cff.topDictIndex[0].FamilyName = family
        cff.topDictIndex[0].FullName = f"{family} {style}"
    font.save(path)
    print(f"fonts.sh: {path}: {path.stat().st_size} bytes, {len(font.getBestCmap())} characters")
PY

total=$(cat "$out"/*.otf "$out"/*.ttf | wc -c)
say "$total bytes in all"
[[ $total -lt 600000 ]] || die "more than 600,000 bytes: narrow the ranges"
