#!/bin/sh
# Follows HOW-TO-CHECK to the letter in a bare Debian tree without network and without our software.
#
#   check-bundle.sh FOLDER TREE
#
# FOLDER holds bundle.asice, fingerprints.txt, tsa.pem and steps.sh: what `tests/stock/tests/bundle.rs` leaves below
# target/tmp/court-bundle/reader-NAME; steps.sh is made of the code blocks of docs/guides/how-to-check.en.md, with a look at how each ended.
# TREE is made with debootstrap if it is not there: minbase, openssl, unzip, python3. Needs root.
# Ends as steps.sh ends; the last line that begins with `## ` says which step it has come to.
set -eu
[ $# -eq 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$1 tree=$2
if [ ! -d "$tree/usr/bin" ]; then
  debootstrap --variant=minbase --include=openssl,unzip,python3 bookworm "$tree" > "$tree.log"
fi
reader=$tree/home/reader
rm -rf "$reader"
mkdir -p "$reader"
for file in bundle.asice fingerprints.txt tsa.pem steps.sh; do
  cp "$folder/$file" "$reader/"
done
# A namespace of its own without any interface but an unused loopback.
unshare -n chroot "$tree" /bin/sh -c '
  command -v rogatory && { echo "our own program is here"; exit 2; }
  cat /etc/debian_version
  openssl version
  python3 --version
  cd /home/reader
  exec sh steps.sh
'
