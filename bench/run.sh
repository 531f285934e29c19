#!/usr/bin/env bash
# Measures Weir against its yardsticks and gives a verdict on goals.json, then
# what each pair of client and provider costs, with a verdict on
# goals.pairs.json.
#
#   ./run.sh                three rounds
#   ./run.sh -quick         one short round, for every day
#   ./run.sh -pairs …       the pairs alone; must come first
#   ./run.sh -only direct,nethttp,weir-all …   any flag of compare; with -only
#                           the pairs are left out
#
# WEIR_BIN names a binary to measure instead of building one; NGINX_BIN an
# nginx that is not in the PATH. Every figure goes to out/figures.json and
# out/pairs.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if [ -z "${WEIR_BIN:-}" ]; then
	make -C .. --no-print-directory build
	WEIR_BIN=$(cd .. && pwd)/bin/weir
fi
WEIR_BIN=$(realpath -e "$WEIR_BIN")
NGINX_BIN=${NGINX_BIN:-$(command -v nginx || true)}
export WEIR_BIN NGINX_BIN
mkdir -p out
go build -o out/compare ./compare
kept=0
main() { out/compare -targets targets.weir.json -goals goals.json -o out/figures.json "$@"; }
pairs() { out/compare -costs -targets targets.pairs.json -goals goals.pairs.json -o out/pairs.json "$@"; }
if [ "${1:-}" = -pairs ]; then
	shift
	pairs "$@" || kept=$?
	exit $kept
fi
main "$@" || kept=$?
case " $* " in
*" -only"* | *" --only"*) ;;
*) pairs "$@" || kept=$? ;;
esac
exit $kept
