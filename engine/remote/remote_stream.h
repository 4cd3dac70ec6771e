// SPDX-License-Identifier: GPL-3.0-or-later
// What the watching script on another machine says, and the script itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace engine {

/// Runs there under any POSIX shell, reads its orders from its input and writes frames. First the
/// folder; then for each run whose events are known here "O <bytes> <sum> <run>", then "GO". From
/// then on "C <run>" with a line of JSON behind it: a request to be put into the run's `control`;
/// and "K <pid> <start>": kill that process, if it is still the one that began then (Linux).
extern const char* const kWatchScript;

/// A header line, and its bytes for `events` and `file`.
struct RemoteFrame {
  enum class Kind {
    run,          ///< there is such a run
    events,       ///< bytes of events.jsonl from `offset` on; whole lines
    restarted,    ///< its events.jsonl is another file now: forget what was sent
    file,         ///< the whole of a small file, `name`
    lock,         ///< `name`: held, free, unknown
    checkpoints,  ///< `name`: names of its checkpoint folders, separated by spaces
    alive,        ///< nothing new; offset = the time there
    synced,       ///< all that was there at the start has been sent
    failed        ///< `name`: why it cannot go on
  };
  Kind kind = Kind::alive;
  std::string run;  ///< folder name below the root; "." for the root itself
  std::string name;
  std::uint64_t offset = 0;
  std::string bytes;
};

/// Takes the stream apart, in whatever pieces it comes. Whoever is on the other side is not
/// trusted: names that would lead out of a folder and sizes beyond 64 MiB throw Error.
class RemoteStream {
 public:
  void feed(std::string_view bytes, const std::function<void(RemoteFrame&&)>& take);

 private:
  void read_header(const std::string& line);

  std::string line_;
  RemoteFrame frame_;
  std::uint64_t wanted_ = 0;  ///< bytes of the frame that are still to come
  bool in_bytes_ = false;
};

/// As the POSIX program `cksum` prints it: "<crc> <bytes>".
std::string posix_checksum(std::string_view bytes);

}  // namespace engine
