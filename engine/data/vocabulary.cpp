// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/vocabulary.h"

#include "engine/data/json_part.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {

Vocabulary::Vocabulary(const JsonPart& part) {
  const nlohmann::json& map = part.value();
  if (!map.is_object()) part.refuse("bad-value", "must be an object of tokens and ids");
  // Room for holes, yet a small file cannot ask for gigabytes.
  const std::int64_t most = 16 * static_cast<std::int64_t>(map.size()) + (1 << 20);
  std::int64_t largest = -1;
  for (const auto& [token, id] : map.items())
    largest = std::max(
        largest,
        JsonPart(id, fmt::format("{}[\"{}\"]", part.path(), token), part.file()).integer(0, most));
  tokens_.resize(static_cast<std::size_t>(largest + 1));
  present_.resize(tokens_.size(), false);
  ids_.reserve(map.size());
  for (const auto& [token, value] : map.items()) {
    const auto id = value.get<std::size_t>();
    if (present_[id])
      part.refuse("bad-value",
                  fmt::format("gives the id {} to both \"{}\" and \"{}\"", id, tokens_[id], token));
    tokens_[id] = token;
    present_[id] = true;
    ids_.emplace(tokens_[id], static_cast<std::int32_t>(id));
  }
}

std::int32_t Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? -1 : found->second;
}

const std::string* Vocabulary::token_of(std::int64_t id) const {
  if (id < 0 || id >= id_bound() || !present_[static_cast<std::size_t>(id)]) return nullptr;
  return &tokens_[static_cast<std::size_t>(id)];
}

}  // namespace engine
