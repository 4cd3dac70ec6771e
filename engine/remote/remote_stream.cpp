// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_stream.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace engine {
namespace {

constexpr std::uint64_t kMostBytes = 64u << 20;
constexpr std::size_t kLongestHeader = 1 << 16;

[[noreturn]] void refuse(const std::string& what) {
  fail("remote-garbled", {}, "the other side sent something else than was asked for: " + what,
       "Look at what its shell prints at login (ssh HOST true must print nothing)");
}

/// The next word of `text`, which loses it.
std::string next_word(std::string_view& text) {
  const auto space = text.find(' ');
  const std::string word(text.substr(0, space));
  text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  return word;
}

std::uint64_t number(std::string_view& text) {
  const std::string word = next_word(text);
  std::uint64_t value = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc() || stop != end || word.empty()) refuse(word.substr(0, 60));
  return value;
}

std::string safe_name(std::string_view text, bool may_be_root) {
  const bool is_root = may_be_root && text == ".";
  const bool is_safe = !text.empty() && text.front() != '.' &&
                       text.find('/') == std::string_view::npos &&
                       text.find('\0') == std::string_view::npos;
  if (!is_root && !is_safe) refuse("the name " + std::string(text.substr(0, 60)));
  return std::string(text);
}

std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 0x80000000u) != 0 ? (value << 1) ^ 0x04C11DB7u : value << 1;
    }
    table[i] = value;
  }
  return table;
}

}  // namespace

std::string posix_checksum(std::string_view bytes) {
  static const auto table = crc_table();
  std::uint32_t crc = 0;
  const auto take = [&crc](unsigned char byte) { crc = (crc << 8) ^ table[(crc >> 24) ^ byte]; };
  for (const char c : bytes) take(static_cast<unsigned char>(c));
  for (std::uint64_t size = bytes.size(); size > 0; size >>= 8) {
    take(static_cast<unsigned char>(size & 0xFF));
  }
  return fmt::format("{} {}", ~crc, bytes.size());
}

void RemoteStream::read_header(const std::string& line) {
  using Kind = RemoteFrame::Kind;
  frame_ = {};
  wanted_ = 0;
  std::string_view rest = line;
  const std::string word = next_word(rest);
  if (word == "R") {
    frame_.kind = Kind::run;
    frame_.run = safe_name(rest, true);
  } else if (word == "D") {
    frame_.kind = Kind::events;
    frame_.offset = number(rest);
    wanted_ = number(rest);
    frame_.run = safe_name(rest, true);
  } else if (word == "X") {
    frame_.kind = Kind::restarted;
    frame_.run = safe_name(rest, true);
  } else if (word == "F") {
    frame_.kind = Kind::file;
    wanted_ = number(rest);
    frame_.name = safe_name(next_word(rest), false);
    frame_.run = safe_name(rest, true);
  } else if (word == "L") {
    frame_.kind = Kind::lock;
    frame_.name = next_word(rest);
    frame_.run = safe_name(rest, true);
  } else if (word == "P") {
    frame_.kind = Kind::checkpoints;
    for (std::uint64_t count = number(rest); count > 0; --count) {
      const std::string name = safe_name(next_word(rest), false);
      frame_.name += frame_.name.empty() ? name : " " + name;
    }
    frame_.run = safe_name(rest, true);
  } else if (word == "H") {
    frame_.kind = Kind::alive;
    frame_.offset = number(rest);
  } else if (word == "S") {
    frame_.kind = Kind::synced;
  } else if (word == "E") {
    frame_.kind = Kind::failed;
    frame_.name = std::string(rest);
  } else {
    refuse(line.substr(0, 120));
  }
  if (wanted_ > kMostBytes) refuse(line.substr(0, 120));
}

void RemoteStream::feed(std::string_view bytes, const std::function<void(RemoteFrame&&)>& take) {
  while (!bytes.empty()) {
    if (!in_bytes_) {
      const auto end = bytes.find('\n');
      line_.append(bytes.substr(0, end));
      if (line_.size() > kLongestHeader) refuse(line_.substr(0, 120));
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      read_header(std::exchange(line_, {}));
      in_bytes_ = true;
    }
    const auto part =
        bytes.substr(0, std::min<std::uint64_t>(bytes.size(), wanted_ - frame_.bytes.size()));
    frame_.bytes.append(part);
    bytes.remove_prefix(part.size());
    if (frame_.bytes.size() < wanted_) return;
    in_bytes_ = false;
    take(std::move(frame_));
  }
}

const char* const kWatchScript = R"sh(
LC_ALL=C; export LC_ALL
IFS= read -r root || exit 0
case $root in '~') root=$HOME;; '~/'*) root=$HOME/${root#??};; esac
cd -- "$root" 2>/dev/null || { printf 'E cannot open the folder %s\n' "$root"; exit 3; }
t=$(mktemp -d "${TMPDIR:-/tmp}/paradigm-watch.XXXXXX") || { printf 'E there is no room for a temporary folder\n'; exit 3; }
trap 'rm -rf "$t"' EXIT
trap 'exit 0' HUP INT TERM PIPE
n=0
while IFS= read -r line; do
  case $line in
    GO) break;;
    'O '*)
      line=${line#O }; o=${line%% *}; line=${line#* }; c=${line%% *}; line=${line#* }; k=${line%% *}; name=${line#* }
      n=$((n+1)); eval "name_$n=\$name off_$n=\$o sum_$n=\"\$c \$k\" status_$n= small_$n= lock_$n= saved_$n= live_$n=1";;
  esac
done
exec 3<&0
(
  while IFS= read -r line; do
    case $line in
      'C '*)
        name=${line#C }
        IFS= read -r what || break
        printf '%s\n' "$what" > "$name/.control.tmp-$$" && mv -f "$name/.control.tmp-$$" "$name/control";;
      'K '*)
        line=${line#K }; pid=${line%% *}; began=${line#* }
        case $pid$began in *[!0-9]*) continue;; esac
        set -- $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)
        [ "${20:-}" = "$began" ] && kill -KILL "$pid";;
    esac
  done
  kill $$ 2>/dev/null
) <&3 >/dev/null 2>&1 &
orders=$!
trap 'rm -rf "$t"; kill $orders 2>/dev/null' EXIT
if sleep 0.01 2>/dev/null; then nap=0.2; else nap=1; fi
part=1048576
sum_before() {
  k=$2; [ "$k" -gt 512 ] && k=512
  sum=$(tail -c +$(($2-k+1)) "$1" 2>/dev/null | head -c "$k" | cksum)
}
send_events() {
  eval "name=\$name_$1 off=\$off_$1 known=\$sum_$1"
  f=$name/events.jsonl
  [ -f "$f" ] || return 0
  size=$(wc -c < "$f" 2>/dev/null) || return 0
  size=$((size))
  [ "$size" -eq "$off" ] && [ "$2" = grown ] && return 0
  if [ "$off" -gt 0 ]; then
    sum_before "$f" "$off"
    if [ "$size" -lt "$off" ] || [ "$sum" != "$known" ]; then printf 'X %s\n' "$name"; off=0; fi
  fi
  while [ "$off" -lt "$size" ]; do
    tail -c +$((off+1)) "$f" 2>/dev/null | head -c "$part" > "$t/part"
    m=$(wc -c < "$t/part"); m=$((m))
    [ "$m" -gt 0 ] || break
    if [ $((off+m)) -ge "$size" ] && [ -n "$(tail -c 1 "$t/part" | tr '\n' ' ' | tr -d ' ')" ]; then
      sed '$d' "$t/part" > "$t/whole"
      w=$(wc -c < "$t/whole"); w=$((w))
      if [ "$w" -gt 0 ]; then mv -f "$t/whole" "$t/part"; m=$w; size=0
      elif [ "$m" -lt "$part" ]; then break
      fi
    fi
    printf 'D %s %s %s\n' "$off" "$m" "$name"
    cat "$t/part" || exit 0
    off=$((off+m))
  done
  if [ "$off" -gt 0 ]; then sum_before "$f" "$off"; eval "sum_$1=\$sum"; fi
  eval "off_$1=\$off"
}
send_status() {
  eval "name=\$name_$1 before=\$status_$1"
  s=$(cat "$name/status.json" 2>/dev/null)
  [ "$s" = "$before" ] && return 0
  eval "status_$1=\$s"
  printf 'F %s status.json %s\n%s' "${#s}" "$name" "$s"
}
send_rest() {
  eval "name=\$name_$1 before=\$small_$1 had=\$saved_$1"
  now=$(cd "$name" && cksum run.yaml transform.yaml config.json transform_histogram.json process_end.json 2>/dev/null)
  if [ "$now" != "$before" ]; then
    eval "small_$1=\$now"
    for file in run.yaml transform.yaml config.json transform_histogram.json process_end.json; do
      [ -f "$name/$file" ] || continue
      cat "$name/$file" > "$t/part" 2>/dev/null || continue
      m=$(wc -c < "$t/part"); m=$((m))
      [ "$m" -lt 16777216 ] || continue
      printf 'F %s %s %s\n' "$m" "$file" "$name"; cat "$t/part" || exit 0
    done
  fi
  lock=unknown
  if [ -f "$name/run.lock" ] && command -v flock >/dev/null 2>&1; then
    if (flock -n -s 9) 9<"$name/run.lock" 2>/dev/null; then lock=free; else lock=held; fi
  fi
  eval "now_$1=\$lock"
  saved=; count=0
  for d in "$name"/checkpoint-*/; do
    [ -d "$d" ] || continue
    d=${d%/}; d=${d##*/}
    case $d in *[!a-z0-9-]*) continue;; esac
    saved="$saved $d"; count=$((count+1))
  done
  if [ "$saved" != "$had" ]; then eval "saved_$1=\$saved"; printf 'P %s%s %s\n' "$count" "$saved" "$name"; fi
  eval "s=\$status_$1"
  live=1
  if [ "$lock" = free ]; then live=0
  elif [ "$lock" = unknown ]; then
    case $s in *'"state":"finished"'*|*'"state":"stopped"'*|*'"state":"failed"'*) live=0;; esac
  fi
  eval "live_$1=\$live"
}
# Looked at before the events are read, told behind them: whoever let go has said its last word.
tell_lock() {
  eval "name=\$name_$1 lock=\${now_$1:-} before=\$lock_$1"
  [ "$lock" = "$before" ] && return 0
  eval "lock_$1=\$lock"
  printf 'L %s %s\n' "$lock" "$name"
}
find_runs() {
  for d in . */; do
    d=${d%/}
    [ -f "$d/events.jsonl" ] || [ -f "$d/status.json" ] || [ -f "$d/run.yaml" ] || continue
    case $d in .) ;; .*) continue;; esac
    i=1; is_known=0
    while [ "$i" -le "$n" ]; do
      eval "name=\$name_$i"
      [ "$name" = "$d" ] && { is_known=1; break; }
      i=$((i+1))
    done
    if [ "$is_known" = 0 ]; then
      n=$((n+1)); i=$n
      eval "name_$n=\$d off_$n=0 sum_$n= status_$n= small_$n= lock_$n= saved_$n= live_$n=1"
    fi
    eval "told=\${told_$i:-}"
    if [ -z "$told" ]; then eval "told_$i=1"; printf 'R %s\n' "$d"; fi
    [ "$d" = . ] && break
  done
}
turn=0
while :; do
  if [ $((turn % 8)) -eq 0 ]; then find_runs; how=all; else how=grown; fi
  i=1
  while [ "$i" -le "$n" ]; do
    eval "live=\$live_$i told=\${told_$i:-}"
    if [ -n "$told" ] && { [ "$live" = 1 ] || [ "$how" = all ]; }; then
      [ "$how" = all ] && send_rest "$i"
      send_status "$i"
      send_events "$i" "$how"
      [ "$how" = all ] && tell_lock "$i"
    fi
    i=$((i+1))
  done
  [ "$turn" -eq 0 ] && printf 'S\n'
  if [ $((turn % 4)) -eq 0 ]; then printf 'H %s\n' "$(date +%s)" || exit 0; fi
  turn=$((turn+1))
  sleep "$nap"
done
)sh";

}  // namespace engine
