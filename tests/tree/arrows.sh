# The arrows between the rooms: who may include whom. And what may stand only in the adapters: clocks, sleeps, randomness,
# sockets, heavy headers. Prints every line that breaks a rule.
set -euo pipefail
cd "$(dirname "$0")/../.."
broken=0
say() { echo "$1"; broken=1; }

# room: the rooms it may include, besides itself.
arrows() {
  case $1 in
    base) echo "" ;;
    api) echo "base" ;;
    net) echo "base" ;;
    apiserver) echo "base api net" ;;
    informers) echo "base api" ;;
    election) echo "base api informers" ;;
    controllers | scheduler | node) echo "base api informers election" ;;
    daemon) echo "base api net informers election" ;;
    pilothouse) echo "base api net apiserver informers election controllers scheduler node daemon" ;;
  esac
}
rooms="base api net apiserver informers election controllers scheduler node daemon pilothouse"
for room in $rooms; do
  allowed=" $room $(arrows "$room") "
  while IFS=: read -r file line included; do
    other=${included%%/*}
    case " $rooms " in *" $other "*) ;; *) continue ;; esac
    case "$file" in */main.cc) continue ;; esac  # a program stands above all rooms
    case "$included" in *.pb.h) continue ;; esac  # made of api/proto, whatever the group is called
    case "$allowed" in *" $other "*) ;; *) say "$file:$line: $room must not include $included" ;; esac
  done < <(grep -rnoP --include='*.h' --include='*.cc' '^#include "\K[a-z_]+/[^"]+' "$room" || true)
done

# forbid WHAT PATTERN ALLOWED-FILES-REGEX: nowhere else in the rooms.
forbid() {
  while IFS= read -r hit; do
    say "$hit  <- $1"
  done < <(grep -rnE --include='*.h' --include='*.cc' "$2" $rooms | grep -vE "^($3):" || true)
}
forbid "the clock is given" 'system_clock::now|steady_clock::now|gettimeofday|clock_gettime|[^_a-z]time\((NULL|nullptr|0)\)' 'base/time\.cc'
forbid "randomness is given" 'random_device|getentropy|getrandom|std::mt19937|[^_a-z]s?rand\(' 'base/rng\.cc'
forbid "programs know the machine" 'hardware_concurrency' 'pilothouse/options\.cc'
forbid "nobody sleeps" 'this_thread::sleep|usleep\(|nanosleep\(' '-'
forbid "sockets are net's" '<sys/socket\.h>|<boost/asio|<boost/beast|<nghttp2' 'net/[a-z0-9_]+\.(cc|h)'
forbid "libsodium is one file's" '<sodium' 'base/secretbox\.cc'
forbid "OpenSSL is net's" '<openssl/' 'net/[a-z0-9_]+\.(cc|h)|base/(aes|hmac|sha256)\.cc'
forbid "cpprestsdk is one file's" '<(cpprest|pplx)/' 'net/outbound_client\.cc'
forbid "shared objects are loaded by the programs" '<dlfcn\.h>|dlopen\(' 'pilothouse/foreign_plugins\.cc'
forbid "RocksDB is the store's" '<rocksdb/' 'apiserver/storage/[a-z_]+\.(cc|h)'
forbid "prometheus-cpp is the metrics'" '<prometheus/' 'base/metrics\.cc'

# Heavy headers reach nobody through a header of ours, but those that a few files of one folder share. (JSON is parsed once for all who
# use kinds.)
while IFS= read -r hit; do
  say "$hit  <- a heavy header in a header"
done < <(grep -rnE --include='*.h' '#include <(boost/(asio|beast)|cpprest/|pplx/|rocksdb/|simdjson|CLI/|spdlog/|prometheus/)' $rooms | grep -vE '^(net/[a-z0-9_]+\.h|apiserver/storage/[a-z_]+\.h):' || true)

# Descriptors are read by the schema alone.
while IFS= read -r hit; do
  say "$hit  <- descriptors are the schema's business"
done < <(grep -rnE --include='*.h' --include='*.cc' 'GetReflection\(|->GetDescriptor\(\)' $rooms | grep -vE '^api/' || true)

[ $broken -eq 0 ] && echo "every arrow points downwards"
exit $broken
