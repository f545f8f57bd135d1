#!/bin/sh
# Writes the secrets of docker-compose.yml below secrets/, once; a file that is there stays as it is.
set -eu
umask 077
mkdir -p secrets
# The containers read them as user 10001, whom only the group of others lets in; the folder stays shut.
keep() { [ -e "secrets/$1" ] || { printf %s "$2" > "secrets/$1" && chmod 644 "secrets/$1"; }; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
keep secret_key "$(random)"
keep postgres_password "$(random)"
keep redis_password "$(random)"
keep database_url "postgresql://nis2_app:$(random)@postgres:5432/nis2"
keep migration_database_url "postgresql://nis2_owner:$(cat secrets/postgres_password)@postgres:5432/nis2"
keep redis_url "redis://:$(cat secrets/redis_password)@redis:6379/0"
