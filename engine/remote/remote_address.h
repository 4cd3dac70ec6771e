// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// ssh://[user@]host[:port]/path: a run folder, or a folder of them, on another machine. /~/path is
/// below the home there.
struct RemoteAddress {
  std::string host;  ///< as ssh takes it: with the user, an alias of the user's configuration too
  int port = 0;      ///< 0 = as ssh chooses
  std::string path;  ///< "/data/runs", "~/runs"

  std::string text() const;
};

bool is_remote_address(std::string_view text);  ///< begins with ssh://

/// Throws Error that names what is wrong with the address.
RemoteAddress parse_remote_address(const std::string& text);

}  // namespace engine
