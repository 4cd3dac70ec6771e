// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_reader.h"

#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_liveness.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <thread>

namespace engine {
namespace {

constexpr std::size_t kPart = 16u << 20;
constexpr std::size_t kFingerprint = 512;  // two lines or more, each with its time

struct HashStateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using HashState = std::unique_ptr<XXH3_state_t, HashStateDeleter>;

/// Removes what a later run_started takes back. Returns the least step that any of them goes back
/// to.
std::int64_t drop_superseded(std::vector<RunEvent>& events) {
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
  std::vector<bool> is_kept(events.size());
  for (std::size_t i = events.size(); i-- > 0;) {
    is_kept[i] = step_of(events[i]) <= limit;
    if (const auto* started = std::get_if<RunStarted>(&events[i].body)) {
      limit = std::min(limit, started->step);
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!is_kept[i]) continue;
    if (kept != i) events[kept] = std::move(events[i]);
    ++kept;
  }
  events.erase(events.begin() + std::ptrdiff_t(kept), events.end());
  return limit;
}

struct ParsedLines {
  std::vector<RunEvent> events;
  std::uint64_t skipped = 0;
};

/// Of whole lines.
ParsedLines parse(std::string_view text) {
  ParsedLines parsed;
  std::string line;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;
       text.remove_prefix(end + 1)) {
    line.assign(text.substr(0, end));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (auto event = parse_run_event(line)) {
      parsed.events.push_back(std::move(*event));
    } else {
      ++parsed.skipped;
    }
  }
  return parsed;
}

/// In pieces of some megabyte at a time, one a core: a long run opens in a fraction of the time.
std::vector<ParsedLines> parse_in_parallel(std::string_view text) {
  constexpr std::size_t kPiece = 2u << 20;
  const std::size_t cores = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);
  const std::size_t count = std::clamp<std::size_t>(text.size() / kPiece, 1, cores);
  std::vector<std::future<ParsedLines>> others;
  for (std::size_t i = 1; i < count; ++i) {
    const auto end = text.find('\n', text.size() / (count + 1 - i));
    if (end == std::string_view::npos) break;
    others.push_back(std::async(std::launch::async, parse, text.substr(0, end + 1)));
    text.remove_prefix(end + 1);
  }
  ParsedLines last = parse(text);
  std::vector<ParsedLines> pieces;
  for (auto& other : others) pieces.push_back(other.get());
  pieces.push_back(std::move(last));
  return pieces;
}

}  // namespace

struct RunReader::Impl {
  std::filesystem::path path;
  std::uint64_t skipped = 0;

  // How far events.jsonl has been read, and enough to notice that it is no longer the same file.
  std::uint64_t offset = 0;
  bool in_endless_line = false;
  bool is_drained = false;  ///< behind offset lies at most a torn line
  struct stat seen = {};
  std::string head;
  std::string tail;
  HashState hash{XXH3_createState()};

  std::int64_t newest_step = 0;
  LastWord last_word;
  struct stat seen_status = {};
  std::optional<RunStatus> status;
  std::optional<std::chrono::steady_clock::time_point> status_changed;  ///< seen to

  explicit Impl(std::filesystem::path run_dir) : path(std::move(run_dir)) { forget(); }

  void forget() {
    skipped = 0;
    offset = 0;
    in_endless_line = false;
    is_drained = false;
    head.clear();
    tail.clear();
    XXH3_64bits_reset(hash.get());
    newest_step = 0;
    last_word = {};
  }

  bool still_same(const FileDescriptor& file, const struct stat& now) const {
    if (offset == 0) return true;
    if (std::uint64_t(now.st_size) < offset) return false;
    if (now.st_ino == seen.st_ino && now.st_dev == seen.st_dev) {
      return read_at(file, 0, head.size()) == head &&
             read_at(file, offset - tail.size(), tail.size()) == tail;
    }
    // Another file of that name: a copy that grew (a mirror of another host) or something else.
    const HashState other(XXH3_createState());
    XXH3_64bits_reset(other.get());
    for (std::uint64_t at = 0; at < offset;) {
      const auto part = read_at(file, at, std::min<std::uint64_t>(kPart, offset - at));
      if (part.empty()) return false;
      XXH3_64bits_update(other.get(), part.data(), part.size());
      at += part.size();
    }
    return XXH3_64bits_digest(other.get()) == XXH3_64bits_digest(hash.get());
  }

  void consume(std::string_view bytes) {
    if (head.size() < kFingerprint) head.append(bytes.substr(0, kFingerprint - head.size()));
    tail.append(bytes.substr(bytes.size() - std::min(bytes.size(), kFingerprint)));
    if (tail.size() > kFingerprint) tail.erase(0, tail.size() - kFingerprint);
    XXH3_64bits_update(hash.get(), bytes.data(), bytes.size());
    offset += bytes.size();
  }

  void read_lines(const std::string& part, RunUpdate& update) {
    std::string_view text = part;
    if (in_endless_line) {
      const auto end = text.find('\n');
      if (end != std::string_view::npos) {
        in_endless_line = false;
        ++skipped;
        text.remove_prefix(end + 1);
      }
    }
    const auto last = text.rfind('\n');
    const bool has_lines = !in_endless_line && last != std::string_view::npos;
    if (has_lines) take(parse_in_parallel(text.substr(0, last + 1)), update);
    std::size_t consumed = part.size() - text.size() + (has_lines ? last + 1 : 0);
    if (consumed == 0 && part.size() == kPart) {
      in_endless_line = true;
      consumed = part.size();
    }
    consume(std::string_view(part).substr(0, consumed));
  }

  void take(std::vector<ParsedLines>&& pieces, RunUpdate& update) {
    for (ParsedLines& piece : pieces) {
      skipped += piece.skipped;
      for (RunEvent& event : piece.events) {
        last_word.hear(event);
        update.events.push_back(std::move(event));
      }
    }
  }

  void read_events(RunUpdate& update) {
    const FileDescriptor file = open_regular_file(RunFolder{path}.events().c_str());
    struct stat now = {};
    if (!file || fstat(file.get(), &now) != 0) return;
    const bool is_untouched =
        now.st_ino == seen.st_ino && now.st_dev == seen.st_dev && now.st_size == seen.st_size &&
        now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec;
    if (is_untouched && is_drained) return;
    if (!still_same(file, now)) {
      forget();
      update.restarted = true;
    }
    seen = now;
    const std::string part = read_at(file, offset, kPart);
    read_lines(part, update);
    is_drained = part.size() < kPart;
    update.more = !is_drained;
    const std::int64_t limit = drop_superseded(update.events);
    if (limit < newest_step) {
      update.rewind_to = limit;
      newest_step = limit;
    }
    for (const RunEvent& event : update.events) newest_step = std::max(newest_step, step_of(event));
  }

  void read_new_status(RunUpdate& update) {
    struct stat now = {};
    if (stat(RunFolder{path}.status().c_str(), &now) != 0) return;
    if (status && now.st_ino == seen_status.st_ino && now.st_size == seen_status.st_size &&
        now.st_mtim.tv_sec == seen_status.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == seen_status.st_mtim.tv_nsec) {
      return;
    }
    auto read = read_status(path);
    if (!read) return;
    seen_status = now;
    if (status) status_changed = std::chrono::steady_clock::now();
    status = read;
    update.status = std::move(read);
  }
};

RunReader::RunReader(std::filesystem::path run_dir)
    : impl_(std::make_unique<Impl>(std::move(run_dir))) {}
RunReader::~RunReader() = default;
RunReader::RunReader(RunReader&&) noexcept = default;

RunUpdate RunReader::poll() {
  RunUpdate update;
  // The lock is looked at first: a writer that ends in between has left its last words by the time
  // they are read.
  StateEvidence evidence = look_at_folder(impl_->path);
  impl_->read_new_status(update);
  impl_->read_events(update);
  evidence.status = impl_->status;
  if (impl_->status_changed) {
    const auto age = std::chrono::steady_clock::now() - *impl_->status_changed;
    evidence.unchanged_for = std::chrono::duration<double>(age).count();
  }
  evidence.last_word = impl_->last_word;
  evidence.last_step = impl_->newest_step;
  auto [state, detail] = judge(evidence);
  update.state = state;
  update.detail = std::move(detail);
  return update;
}

std::uint64_t RunReader::skipped_lines() const { return impl_->skipped; }
const std::filesystem::path& RunReader::path() const { return impl_->path; }

}  // namespace engine
