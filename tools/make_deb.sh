#!/bin/sh
# Makes build/deb/isthmus_VERSION_ARCH.deb of what build/release installs under /usr. The package starts nothing.
set -eu
cd "$(dirname "$0")/.."
work=$PWD/build/deb
root=$work/root
version=$(sed -n 's/^project(isthmus VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
arch=$(dpkg --print-architecture)

rm -rf "$work"
mkdir -p "$work"
DESTDIR=$root cmake --install build/release --prefix /usr --strip

find "$root/usr/share/man" -type f -name '*.[1-8]' -exec gzip -9n {} + 2>/dev/null || true
doc=$root/usr/share/doc/isthmus
mkdir -p "$doc" "$root/DEBIAN" "$work/debian"
[ ! -f LICENSE ] || cp LICENSE "$doc/copyright"
cp packaging/debian/changelog "$doc/changelog"
gzip -9nf "$doc/changelog"

# dpkg-shlibdeps wants a source control file where it runs.
sed -n '1,/^$/p' packaging/debian/control > "$work/debian/control"
printf 'Package: isthmus\nArchitecture: any\nDescription: x\n' >> "$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O root/usr/sbin/isthmus | sed -n 's/^shlibs:Depends=//p')

sed -e '1,/^$/d' -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s|@LIBRARIES@|$libraries|" \
  -e "s/@SIZE@/$(du -sk "$root/usr" | cut -f1)/" packaging/debian/control > "$root/DEBIAN/control"
(cd "$root" && find usr -type f -exec md5sum {} + > DEBIAN/md5sums)
find "$root" -type d -exec chmod 755 {} +

dpkg-deb --root-owner-group --build "$root" "$work/isthmus_${version}_${arch}.deb"
