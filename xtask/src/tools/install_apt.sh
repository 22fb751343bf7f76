# Installs Debian packages for their programs only: no service is started now or at the next
# boot, and PostgreSQL creates no cluster of its own.
# Arguments: the services, as one word with spaces; then the packages.
set -eu
export DEBIAN_FRONTEND=noninteractive
services=$1
shift

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
kept=$(mktemp)
undo() {
    [ -z "${our_policy-}" ] || rm -f "$policy"
    [ -z "${our_clusters-}" ] || cat "$kept" > "$clusters"
    rm -f "$kept"
}
trap undo EXIT

# The answer 101 forbids every start. A policy that is there already stays.
if [ ! -e "$policy" ]; then
    our_policy=yes
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi

# Only what these packages bring is switched off, never a service that was there before.
new=
for service in $services; do
    [ -e "/lib/systemd/system/$service.service" ] || new="$new $service"
done

apt-get -q update

# The setting comes with `postgresql-common`, so that goes first; it is put back afterwards.
case " $* " in
*" postgresql "*)
    apt-get -q install -y --no-install-recommends postgresql-common
    cat "$clusters" > "$kept"
    our_clusters=yes
    echo "create_main_cluster = false" >> "$clusters"
    ;;
esac

apt-get -q install -y --no-install-recommends "$@"

if command -v systemctl > /dev/null; then
    for service in $new; do
        systemctl disable --quiet "$service" || true
    done
fi
