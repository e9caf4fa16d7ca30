"""Small PKGBUILDs in the style of those that kernels have, and what bash makes of their variables."""

from __future__ import annotations

from typing import Final

from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.pkgbuild_shape import Shape, read_shape
from pkgafdo.packaging.pkgbuild_values import Values

TAR_SUM: Final = "ab" * 64
CONFIG_SUM: Final = "cd" * 64

_PACKAGES: Final = """
_package() {
    pkgdesc="The $pkgdesc kernel"
    cd "$_srcname"
    local modulesdir="$pkgdir/usr/lib/modules/$(<version)"
    install -Dm644 "$(make -s image_name)" "$modulesdir/vmlinuz"
    ZSTD_CLEVEL=19 make @FLAGS@INSTALL_MOD_PATH="$pkgdir/usr" INSTALL_MOD_STRIP=1 \\
        DEPMOD=/doesnt/exist modules_install
}

_package-headers() {
    pkgdesc="Headers of the $pkgdesc kernel"
    cd "$_srcname"
    local builddir="$pkgdir/usr/lib/modules/$(<version)/build"
    install -Dt "$builddir" -m644 .config Makefile Module.symvers vmlinux
    strip -v $STRIP_STATIC "$builddir/vmlinux"
}
"""
_SPLIT: Final = """
for _p in "${pkgname[@]}"; do
    eval "package_$_p() {
    $(declare -f "_package${_p#$pkgbase}")
    _package${_p#$pkgbase}
    }"
done
"""

OPTIONS: Final = """\
# Maintainer: nobody

### The link time optimization: none, thin, full
: "${_use_llvm_lto:=thin}"

### The processor
: "${_processor_opt:=}"

### A package with vmlinux
: "${_build_debug:=no}"
@SWITCH@
# Do not touch what follows
_is_lto() {
    [[ "$_use_llvm_lto" = "thin" || "$_use_llvm_lto" = "full" ]]
}

_is_ci() {
    [[ -n "$CI" || -n "$GITHUB_RUN_ID" ]]
}

pkgbase=linux-example
_major=7.2
_minor=0
pkgver=${_major}.${_minor}
_tagrel=2
pkgrel=3
pkgdesc='Example'
_srcname=linux-${pkgver}-${_tagrel}
arch=('x86_64')
url='https://example.org'
license=('GPL-2.0-only')
options=('!strip' '!debug')
makedepends=(bc cpio)
source=(
    "https://example.org/${_srcname}.tar.gz"{,.asc}
    "config"
)

if _is_lto; then
    makedepends+=(clang llvm lld)
    source+=("https://example.org/${_major}/lto.patch")
    BUILD_FLAGS=(
        CC=clang
        LLVM=1
    )
fi
@SOURCE@
export KBUILD_BUILD_USER="$pkgbase"

_die() { error "$@"; exit 1; }

prepare() {
    cd "$_srcname"
    cp ../config .config
    case "$_use_llvm_lto" in
        thin) scripts/config -e LTO_CLANG_THIN;;
        full) scripts/config -e LTO_CLANG_FULL;;
        none) scripts/config -e LTO_NONE;;
    esac
    if _is_ci; then
        scripts/config -d DEBUG_KERNEL
    fi
@PREPARE@
    ### Rewrite the configuration
    make "${BUILD_FLAGS[@]}" prepare
    yes "" | make "${BUILD_FLAGS[@]}" config >/dev/null
    make -s kernelrelease > version
}

build() {
    cd "$_srcname"
    make "${BUILD_FLAGS[@]}" -j"$(nproc)" all
    make -C tools/bpf/bpftool vmlinux.h
}
"""
_SWITCH: Final = """
# AutoFDO
: "${_autofdo:=no}"

# The name of its profile
: "${_autofdo_profile_name:=}"
"""
_SOURCE: Final = """
# The profile
if [ "$_autofdo" = "yes" ] && [ -n "$_autofdo_profile_name" ]; then
    if [ -e "$_autofdo_profile_name" ]; then
        source+=("$_autofdo_profile_name")
    else
        _die "There is no ${_autofdo_profile_name}"
    fi
fi
"""
_PREPARE: Final = """
    # Kconfig
    if [ "$_autofdo" = "yes" ]; then
        scripts/config -e AUTOFDO_CLANG
    fi

    if [ "$_autofdo" = "yes" ] && [ -n "$_autofdo_profile_name" ]; then
        echo "There is a profile..."
        BUILD_FLAGS+=(CLANG_AUTOFDO_PROFILE="${srcdir}/${_autofdo_profile_name}")
    fi
"""
_NAMES: Final = """
_package-dbg(){
    pkgdesc="vmlinux of the $pkgdesc kernel"
    cd "${_srcname}"
    install -Dt "$pkgdir/usr/src/debug/${pkgbase}" -m644 vmlinux
}

pkgname=("$pkgbase")
[ "$_build_debug" = "yes" ] && pkgname+=("$pkgbase-dbg")
pkgname+=("$pkgbase-headers")
"""


def _options(switch: str, source: str, prepare: str) -> str:
    text = OPTIONS.replace("@SWITCH@", switch).replace("@SOURCE@", source)
    text = text.replace("@PREPARE@", prepare)
    packages = _PACKAGES.replace("@FLAGS@", '"${BUILD_FLAGS[@]}" ')
    return f"{text}{packages}{_NAMES}{_SPLIT}"


def _sums(*sums: str) -> str:
    return "\nb2sums=('" + "'\n        '".join(sums) + "')\n"


SWITCHED: Final = _options(_SWITCH, _SOURCE, _PREPARE) + _sums(
    TAR_SUM, "SKIP", CONFIG_SUM, "ef" * 64
)
"""Options by environment, AutoFDO among them, with the traps that are known."""
PROPELLED: Final = (
    SWITCHED.replace(
        "\n# The name of its profile\n",
        '\n# Propeller\n: "${_propeller:=no}"\n\n# Its lists\n: "${_propeller_profiles:=no}"\n'
        "\n# The name of its profile\n",
    )
    .replace(
        "\n# The profile\n",
        '\n# The lists\nif [ "$_propeller" = "yes" ] && [ "$_propeller_profiles" = "yes" ]; then\n'
        "    source+=(propeller_cc_profile.txt\n             propeller_ld_profile.txt)\nfi\n"
        "\n# The profile\n",
    )
    .replace(
        "    ### Rewrite the configuration\n",
        '    if [ "$_propeller" = "yes" ]; then\n        scripts/config -e PROPELLER_CLANG\n    fi\n\n'
        '    if [ "$_propeller" = "yes" ] && [ "$_propeller_profiles" = "yes" ]; then\n'
        '        BUILD_FLAGS+=(CLANG_PROPELLER_PROFILE_PREFIX="${srcdir}/propeller")\n    fi\n\n'
        "    ### Rewrite the configuration\n",
    )
)
"""The same with options for Propeller, whose lists come in without checksums."""
WITH_PARTS: Final = (
    SWITCHED.replace("_use_llvm_lto:=thin", "_use_llvm_lto:=none")
    .replace(
        "\nbuild() {",
        """
_sign() {
    if [ "$_use_llvm_lto" != "none" ]; then
        local strip_bin="llvm-strip"
    else
        local strip_bin="strip"
    fi
    find "$1" -name '*.ko' -exec "$strip_bin" --strip-debug {} +
}

_zfs() {
    local CONFIGURE_FLAGS=()
    [ "$_use_llvm_lto" != "none" ] && CONFIGURE_FLAGS+=("KERNEL_LLVM=1")
    ./configure "${CONFIGURE_FLAGS[@]}"
    if _is_lto; then
        depends+=(clang llvm lld)
    fi
}

build() {""",
    )
    .replace("lto.patch", "dkms-clang.patch")
)
"""SWITCHED without LTO, with what linux-cachyos gives to clang with LTO alone."""
PLAIN_OPTIONS: Final = _options("", "", "").replace("lto:=thin", "lto:=none") + _sums(
    TAR_SUM, "SKIP", CONFIG_SUM
)
"""The same without AutoFDO, and built with GCC."""
ARCH: Final = (
    """\
# Maintainer: nobody
pkgbase=linux-plain
pkgver=7.2.4.arch1
pkgrel=2
pkgdesc='Linux'
url='https://example.org'
arch=(x86_64)
license=(GPL-2.0-only)
makedepends=(
  bc
  cpio
)
options=(
  !debug
)
_srcname=linux-${pkgver%.*}
source=(
  https://example.org/$_srcname.tar.{xz,sign}
  config  # the main configuration
)
"""
    f"b2sums=('{TAR_SUM}'\n        'SKIP'\n        '{CONFIG_SUM}')\n"
    """
export KBUILD_BUILD_USER=$pkgbase

prepare() {
  cd $_srcname

  echo "Setting config..."
  cp ../config .config
  make olddefconfig
  diff -u ../config .config || :

  make -s kernelrelease > version
}

build() {
  cd $_srcname

  make all
  make -C tools/bpf/bpftool vmlinux.h
}
"""
    + _PACKAGES.replace("@FLAGS@", "").replace("    ", "  ")
    + """
pkgname=(
  "$pkgbase"
  "$pkgbase-headers"
)"""
    + _SPLIT
)
"""make called plainly, with GCC."""
BY_ARCH: Final = (
    ARCH.replace("  config  # the main configuration\n)\n", ")\nsource_x86_64=(config)\n")
    .replace(
        f"        'SKIP'\n        '{CONFIG_SUM}')\n",
        f"        'SKIP')\nb2sums_x86_64=('{CONFIG_SUM}')\n\n"
        f"# As kernel.org has them\nsha256sums=('{'ab' * 32}'\n            'SKIP')\n",
    )
    .replace(
        "  make all\n",
        "  make htmldocs SPHINXOPTS=-QT &\n  local pid_docs=$!\n\n  make all\n  wait $pid_docs\n",
    )
)
"""The same with the configuration as a source of one architecture, which has not all kinds of sums."""
WRAPPED: Final = (
    ARCH.replace(
        "export KBUILD_BUILD_USER=$pkgbase\n",
        "export KBUILD_BUILD_USER=$pkgbase\n\n_make() {\n  test -s version\n"
        '  make KERNELRELEASE="$(<version)" "$@"\n}\n',
    )
    .replace(
        '  echo "Setting config..."\n',
        "  make defconfig\n  make -s kernelrelease > version\n  make mrproper\n\n"
        '  echo "Setting config..."\n',
    )
    .replace("  make olddefconfig", "  _make olddefconfig")
    .replace("\n\n  make -s kernelrelease > version\n}", "\n}")
    .replace("  make all", "  _make all")
    .replace("ZSTD_CLEVEL=19 make", "ZSTD_CLEVEL=19 _make")
)
"""The same with make in a function, and a configuration that is made for the release and dropped."""
AUR: Final = (
    """\
# Maintainer: nobody
_clangbuild=

pkgbase=linux-aur
pkgver=7.1.2
pkgrel=1
pkgdesc='Linux'
url='https://example.org'
arch=(x86_64)
license=(GPL2)
makedepends=(bc cpio)
[[ -n "$_clangbuild" ]] && makedepends+=(clang llvm lld)
options=('!strip')
_srcname=linux-$pkgver
source=("https://example.org/linux-$pkgver.tar.xz" config)
"""
    f"sha256sums=('{'ab' * 32}' '{'cd' * 32}')\n"
    """
prepare() {
  cd $_srcname
  cp ../config .config
  if [[ -n "$_clangbuild" ]]; then
    export _LLVM=1
  fi
  make LLVM=$_LLVM olddefconfig
  make -s kernelrelease > version
}

build() {
  cd $_srcname
  make LLVM=$_LLVM all
}
"""
    + _PACKAGES.replace("@FLAGS@", "LLVM=$_LLVM ").replace("    ", "  ")
    + '\npkgname=("$pkgbase" "$pkgbase-headers")'
    + _SPLIT
)
"""The compiler is decided by a variable that prepare() sets."""

_TAR: Final = "https://example.org/linux-7.2.0-2.tar.gz"
_OPTION_VALUES: Final = {
    "pkgbase": ("linux-example",),
    "pkgname": ("linux-example", "linux-example-headers"),
    "pkgver": ("7.2.0",),
    "arch": ("x86_64",),
    "options": ("!strip", "!debug"),
    "_build_debug": ("no",),
}
VALUES: Final = {
    SWITCHED: {
        **_OPTION_VALUES,
        "makedepends": ("bc", "cpio", "clang", "llvm", "lld"),
        "source": (_TAR, f"{_TAR}.asc", "config", "https://example.org/7.2/lto.patch"),
        "b2sums": (TAR_SUM, "SKIP", CONFIG_SUM, "ef" * 64),
        "BUILD_FLAGS": ("CC=clang", "LLVM=1"),
        "_use_llvm_lto": ("thin",),
        "_autofdo": ("no",),
        "_autofdo_profile_name": ("",),
    },
    PLAIN_OPTIONS: {
        **_OPTION_VALUES,
        "makedepends": ("bc", "cpio"),
        "source": (_TAR, f"{_TAR}.asc", "config"),
        "b2sums": (TAR_SUM, "SKIP", CONFIG_SUM),
        "_use_llvm_lto": ("none",),
    },
    ARCH: {
        "pkgbase": ("linux-plain",),
        "pkgname": ("linux-plain", "linux-plain-headers"),
        "pkgver": ("7.2.4.arch1",),
        "arch": ("x86_64",),
        "options": ("!debug",),
        "makedepends": ("bc", "cpio"),
        "source": ("https://example.org/linux-7.2.4.tar.xz", "x.sign", "config"),
        "b2sums": (TAR_SUM, "SKIP", CONFIG_SUM),
    },
    BY_ARCH: {
        "pkgbase": ("linux-plain",),
        "pkgname": ("linux-plain", "linux-plain-headers"),
        "pkgver": ("7.2.4.arch1",),
        "arch": ("x86_64",),
        "options": ("!debug",),
        "makedepends": ("bc", "cpio"),
        "source": ("https://example.org/linux-7.2.4.tar.xz", "x.sign"),
        "source_x86_64": ("config",),
        "b2sums": (TAR_SUM, "SKIP"),
        "b2sums_x86_64": (CONFIG_SUM,),
        "sha256sums": ("ab" * 32, "SKIP"),
    },
    AUR: {
        "pkgbase": ("linux-aur",),
        "pkgname": ("linux-aur", "linux-aur-headers"),
        "pkgver": ("7.1.2",),
        "arch": ("x86_64",),
        "options": ("!strip",),
        "makedepends": ("bc", "cpio"),
        "source": ("https://example.org/linux-7.1.2.tar.xz", "config"),
        "sha256sums": ("ab" * 32, "cd" * 32),
        "_clangbuild": ("",),
    },
}
"""What bash makes of their variables, for tests that start no bash."""


def shape_of(text: str, **values: tuple[str, ...]) -> Shape:
    """Return the shape of one of these, or of a text like it, with other values for variables."""
    base = next((VALUES[one] for one in VALUES if one[:40] == text[:40]), VALUES[SWITCHED])
    known = VALUES.get(text, base)
    return read_shape(parse_script(text.encode()), Values(arrays={**known, **values}))
