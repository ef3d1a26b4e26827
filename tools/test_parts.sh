#!/usr/bin/env bash
# What `make test` and `make bench` need beside Python: Java 17+ and Maven, a real Kafka broker's jars, AWS's random cut
# forest as the reference of ours, a schema registry, promtool and openssl.
# As root on Debian or Ubuntu what is missing is installed; elsewhere this says what to run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh

java_version() { # the major version of the java in use, 0 without one
    command -v java >/dev/null || { echo 0; return; }
    java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1
}

need_java() {
    local version package
    version=$(java_version)
    [ "${version:-0}" -ge 17 ] && return
    package=openjdk-17-jre-headless
    if on_debian_as_root; then
        debian_lists
        # Debian 12 and Ubuntu 22.04 have 17 by name; later releases only newer ones, as the default.
        apt-cache show "$package" >/dev/null 2>&1 || package=default-jre-headless
    fi
    debian_install "$package"
    version=$(java_version)
    if [ "${version:-0}" -lt 17 ]; then
        echo "The tests need Java 17 or newer; 'java' on the PATH is version ${version:-unknown}." >&2
        exit 3
    fi
}

need_java_compiler() { # for the programs around AWS's forest
    command -v javac >/dev/null && return
    local package=openjdk-17-jdk-headless
    if on_debian_as_root; then
        debian_lists
        apt-cache show "$package" >/dev/null 2>&1 || package=default-jdk-headless
    fi
    debian_install "$package"
}

need_jars() { # name, folder under .cache, folder of pom.xml and jars.sha256
    local libs=.cache/$2/libs pom=$3/pom.xml sums=$3/jars.sha256
    (cd "$libs" 2>/dev/null && sha256sum --check --quiet --strict - >/dev/null 2>&1) <"$sums" && return
    command -v mvn >/dev/null || debian_install maven
    echo "Fetching $1 through Maven (once, about 10 s)" >&2
    rm -rf "$libs"
    mvn --batch-mode --quiet --file "$pom" dependency:copy-dependencies -DoutputDirectory="$PWD/$libs" </dev/null >&2
    (cd "$libs" && sha256sum --check --quiet --strict -) <"$sums" || {
        echo "The jars that Maven fetched are not those of $sums. Remove $libs and Maven's copies, and run this again." >&2
        exit 1
    }
}

need_apicurio() { # an archive of jars, unpacked beside it
    need_jars "Apicurio Registry" apicurio tests/support/apicurio
    local sums=tests/support/apicurio/jars.sha256 app=.cache/apicurio/app
    cmp -s "$sums" "$app/unpacked.sha256" && return
    rm -rf "$app"
    mkdir "$app"
    tar --extract --gzip --file .cache/apicurio/libs/apicurio-registry-app-*.tar.gz --directory "$app" --no-same-owner
    cp "$sums" "$app/unpacked.sha256"
}

need_promtool() {
    local tools=.cache/tools
    command -v promtool >/dev/null || [ -x "$tools/usr/bin/promtool" ] && return
    if ! on_debian_as_root; then
        debian_install prometheus
    fi
    # Unpacked and not installed: the package would start a Prometheus server on this machine.
    echo "Fetching promtool (Debian package prometheus)" >&2
    debian_lists
    mkdir -p "$tools"
    (cd "$tools" && apt-get download -qq -o APT::Sandbox::User=root prometheus >&2 && dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb)
}

need_openssl() { # makes the certificates of a broker with TLS
    command -v openssl >/dev/null || debian_install openssl
}

need_java
need_java_compiler
need_openssl
need_jars "Apache Kafka" kafka tests/support/kafka
need_jars "AWS's random cut forest" aws_forest tests/support/aws_forest
need_apicurio
need_promtool
